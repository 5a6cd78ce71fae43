#!/usr/bin/env python3
"""Makes the tiny models of Tests/VectorsTests/Fixtures, with the answers that the reference libraries give for them.

Random weights under a fixed seed: what matters is that our tokenizers and encoder compute what the references compute.
Needs torch, transformers 5, sentence-transformers 6, tokenizers 0.23 and sentencepiece; run again only to change a
fixture. Every folder has `expected.jsonl`: a text, its ids with special tokens, and its vector, of unit length.
"""
import io
import json
import math
import pathlib
import shutil
import unicodedata

import sentencepiece
import torch
import transformers
from safetensors.torch import load_file, save_file
from sentencepiece import sentencepiece_model_pb2
from sentence_transformers import SentenceTransformer
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "Tests/VectorsTests/Fixtures"

# MARK: - Texts

SENTENCES = """The notice period is three months to the end of a quarter. How long is the notice period?
The rent is paid by bank transfer before the fifth day of the month. Pets need the landlord's consent.
Die Kündigungsfrist beträgt drei Monate zum Quartalsende. Wie lange ist die Frist für Mieter?
Größere Änderungen müssen schriftlich vereinbart werden; Straße, Übermut, Äpfel, Öl, ß und ẞ.
Le loyer est payé avant le cinquième jour. L'été, à Noël, où ça coûte déjà très cher, naïve cœur.
El alquiler se paga antes del quinto día del mes. ¿Dónde está el señor Muñoz? Mañana, corazón.
Срок уведомления составляет три месяца до конца квартала. Арендная плата вносится до пятого числа.
Η προθεσμία ειδοποίησης είναι τρεις μήνες. Το ενοίκιο πληρώνεται πριν από την πέμπτη ημέρα. ΟΔΟΣ.
通知期为三个月，至季度末。房租应在每月五日之前支付。宠物需要房东同意。
解約予告期間は三か月です。家賃は毎月五日までに振り込みます。ペットは大家の同意が必要です。
통지 기간은 분기 말까지 3개월입니다. 집세는 매월 5일 이전에 지불합니다.
مدة الإشعار ثلاثة أشهر حتى نهاية الربع. يدفع الإيجار قبل اليوم الخامس من الشهر.
תקופת ההודעה היא שלושה חודשים. שכר הדירה משולם לפני היום החמישי.
सूचना की अवधि तीन महीने है। किराया पाँचवें दिन से पहले दिया जाता है।
ระยะเวลาแจ้งล่วงหน้าสามเดือน ค่าเช่าชำระก่อนวันที่ห้าของเดือน
Emoji: 🙂 👍🏽 👩‍👩‍👧 🇩🇪 ❤️ cost 5 € or $6, 20 °C, § 823 BGB, 50 % off!""".split("\n")

TEXTS = SENTENCES + [
    "", " ", "\n\t ", "a", "Ä", "  leading and trailing  ", "two  spaces   and\tmore\r\n\r\nlines\u00a0here\u2003there",
    "Kündigungsfrist", "Ku\u0308ndigungsfrist mit zerlegten Zeichen: e\u0301, o\u0302\u0323, e\u0301\u0302, ﬁ\u0301",
    "office ﬁne ﬂow Ⅳ ½ ① ㎏ ﷺ ＦＵＬＬ ｗｉｄｔｈ ﾊﾝｶｸ", "ΟΔΟΣ ὀδός İstanbul ıŞIK ǅ ß ẞ",
    "control\u0000 \u0001chars\u0007 a\u000cb a\u000bb soft\u00adhyphen zero\u200bwidth join\u200dер "
    "bom\ufeff del\u007f nel\u0085x",
    "don't we'll I'm they've he'd you're it's 'tis O'Neil's", "x=1;y=[2,3]; f(x)->{y} // #comment_snake_case @me a/b\\c",
    "1234567890 3.14 1,000 2024-05-01 +49 30 123456", "https://example.org/path?q=a&b=c#d user@example.org",
    "unknown ∑ ∫ ☃ 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 ꙮ ༄ 𓀀 mixed in words: a∑b", "ABC" * 33 + "D", "ab" * 50 + "c", "語" * 101, "é" * 100,
    "a <mask> b </s> c <s>d <pad> e<unk>f", "x[MASK]y [SEP] [CLS] z [sep] [UNK]", "<S> <MASK>  <mask>", "▁ under ▁▁score",
    "\u0301 starts with a mark", "\u0600123 \u06dd١٢", "न\u200dन क्षि ક્ષ", "각\u1100\u1161\u11a8", "🏳️‍🌈🏴‍☠️👨‍👩‍👧‍👦",
    "\u2028line\u2029paragraph", "word " * 80, "Kündigungsfristen-Übersicht " * 30, "房租" * 60,
    "Frage: Wie lange ist die Frist?", "Text: Die Frist ist lang.", "≮s≯ ＜s＞ <S\u0301>",
]

# Every encoder is this small.
SIZE = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64)


def wordpiece(size, specials, lowercase=True, strip=None, chinese=True):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=chinese, strip_accents=strip, lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.train_from_iterator(
        SENTENCES, trainers.WordPieceTrainer(vocab_size=size, special_tokens=specials, show_progress=False))
    return tokenizer


def character_map():
    """A `precompiled_charsmap` as SentencePiece makes it, of some rules of its `nmt_nfkc` (all are 240 kB)."""
    rules = {chr(c): " " for c in (9, 10, 12, 13, 0x85, 0xA0, 0x1680, *range(0x2000, 0x2010), 0x2028, 0x2029, 0x202F,
                                   0x2581, 0x3000, 0xFEFF)}
    rules |= {chr(c): "" for c in (*range(1, 9), 11, *range(14, 32), 127, 0xAD)}
    for c in (*range(0xA1, 0x250), *range(0x370, 0x400), *range(0x1E00, 0x2000), *range(0x2150, 0x2190),
              *range(0x2460, 0x2480), *range(0x3300, 0x3400), 0xFB00, 0xFB01, 0xFB02, 0xFDFA, *range(0xFF01, 0xFFA0)):
        composed = unicodedata.normalize("NFKC", chr(c))
        if composed != chr(c):
            rules[chr(c)] = composed
        decomposed = unicodedata.normalize("NFD", chr(c))
        if len(decomposed) == 2 and c < 0x250 and decomposed != chr(c):
            rules[decomposed] = composed
    path = FIXTURES / "rules.tsv"
    path.write_text("".join(
        " ".join(f"{ord(s):X}" for s in source) + "\t" + " ".join(f"{ord(t):X}" for t in target) + "\n"
        for source, target in sorted(rules.items())))
    proto = sentence_pieces(420, dict(normalization_rule_tsv=str(path)))
    path.unlink()
    return proto.normalizer_spec.precompiled_charsmap


def sentence_pieces(size, options):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES * 3), model_writer=model, vocab_size=size, hard_vocab_limit=False,
        character_coverage=0.98, minloglevel=2, **options)
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(model.getvalue())
    return proto


def unigram(size, normalizer, pre_tokenizer, byte_fallback=False):
    """XLM-RoBERTa's order: four special tokens, the pieces, the mask."""
    proto = sentence_pieces(size, dict(normalization_rule_name="nmt_nfkc"))
    pieces = [(p.piece, p.score) for p in proto.pieces[3:]]
    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)] + pieces
    if byte_fallback:
        pieces += [(f"<0x{byte:02X}>", 0.0) for byte in range(256)]
    pieces += [("<mask>", 0.0)]
    tokenizer = Tokenizer(models.Unigram(pieces, 3, byte_fallback))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.add_special_tokens(
        ["<s>", "<pad>", "</s>", "<unk>", AddedToken("<mask>", lstrip=True, special=True, normalized=False)])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=["<s>", "$A", "</s>"], pair=["<s>", "$A", "</s>", "</s>", "$B", "</s>"],
        special_tokens=[("<s>", 0), ("</s>", 2)])
    return tokenizer


# MARK: - Folders

def spread(model):
    """Gives every parameter values that matter: freshly made models have zero biases and gains of one."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    return model.eval()


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def folder_for(name):
    folder = FIXTURES / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def describe(folder, tokenizer, pooling, limit, modules=("2_Normalize",), **options):
    """The files around the weights, as sentence-transformers wrote them for the published models."""
    kinds = {"Normalize": "sentence_transformers.models.Normalize", "Dense": "sentence_transformers.models.Dense"}
    chain = [("", "sentence_transformers.models.Transformer"), ("1_Pooling", "sentence_transformers.models.Pooling")]
    chain += [(module, kinds[module[2:]]) for module in modules]
    write(folder / "modules.json", [{"idx": i, "name": str(i), "path": p, "type": t} for i, (p, t) in enumerate(chain)])
    write(folder / "1_Pooling/config.json", pooling)
    write(folder / "sentence_bert_config.json", {"max_seq_length": limit, "do_lower_case": False})
    if tokenizer is not None:
        tokenizer.save(str(folder / "tokenizer.json"))
        write(folder / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", **options})


def old_pooling(mode):
    return {"word_embedding_dimension": 32, "pooling_mode_cls_token": mode == "cls",
            "pooling_mode_mean_tokens": mode == "mean", "pooling_mode_max_tokens": False,
            "pooling_mode_mean_sqrt_len_tokens": False}


def answer(folder, texts, encode):
    """Writes `expected.jsonl`; `encode` gives ids and vector of a text."""
    with (folder / "expected.jsonl").open("w") as file:
        for text in texts:
            ids, vector = encode(text)
            vector = vector.double() / vector.double().norm()
            row = {"text": text, "ids": ids, "vector": [round(x, 7) for x in vector.tolist()]}
            file.write(json.dumps(row) + "\n")
    print(folder.name, sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) // 1024, "kB")


def answer_by_sentence_transformers(folder, texts=TEXTS):
    reference = SentenceTransformer(str(folder), device="cpu")

    def encode(text):
        ids = reference.tokenize([text])["input_ids"][0].tolist()
        return ids, reference.encode([text], convert_to_tensor=True)[0]

    answer(folder, texts, encode)


def tidy(folder, rename=lambda name: name, type=None):
    """Rewrites the weights without the pooler, under other names and perhaps in another type."""
    tensors = load_file(folder / "model.safetensors")
    tensors = {rename(n): t.to(type) if type and t.is_floating_point() else t
               for n, t in tensors.items() if "pooler" not in n}
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / "model.safetensors")


# MARK: - The models

def bert_cased():
    """Like German BERT models: cased, accents kept, `[CLS]` pooling, a Dense module, names with `bert.`, prompts."""
    folder = folder_for("bert-cased")
    torch.manual_seed(1)
    tokenizer = wordpiece(420, ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], lowercase=False, strip=False)
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    config = BertConfig(vocab_size=tokenizer.get_vocab_size() + 3, max_position_embeddings=48, initializer_range=0.3,
                        architectures=["BertModel"], **SIZE)
    spread(transformers.BertModel(config)).save_pretrained(folder)
    describe(folder, tokenizer, old_pooling("cls"), 40, ("2_Dense", "3_Normalize"), cls_token="[CLS]",
             sep_token="[SEP]", pad_token="[PAD]", unk_token="[UNK]", mask_token="[MASK]")
    dense = spread(torch.nn.Linear(32, 16))
    (folder / "2_Dense").mkdir()
    save_file({"linear.weight": dense.weight.data * 3, "linear.bias": dense.bias.data},
              folder / "2_Dense/model.safetensors")
    write(folder / "2_Dense/config.json", {"in_features": 32, "out_features": 16, "bias": True,
                                          "activation_function": "torch.nn.modules.activation.Tanh"})
    write(folder / "config_sentence_transformers.json",
          {"prompts": {"query": "Frage: ", "document": "Text: "}, "default_prompt_name": None})
    answer_by_sentence_transformers(folder)
    tidy(folder, lambda name: "bert." + name)


def mpnet():
    folder = folder_for("mpnet")
    torch.manual_seed(2)
    specials = ["<s>", "<pad>", "</s>", "[UNK]"]
    tokenizer = wordpiece(420, specials)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=True) for token in specials])
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, special=True, normalized=False)])
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), True, False)
    config = transformers.MPNetConfig(
        vocab_size=tokenizer.get_vocab_size(), max_position_embeddings=130, relative_attention_num_buckets=32,
        initializer_range=0.3, layer_norm_eps=1e-5, **SIZE)
    model = spread(transformers.MPNetModel(config))
    with torch.no_grad():
        model.encoder.relative_attention_bias.weight.normal_(std=1.5)
    model.save_pretrained(folder)
    describe(folder, tokenizer, old_pooling("mean"), 128, cls_token="<s>", sep_token="</s>", pad_token="<pad>",
             unk_token="[UNK]", mask_token="<mask>", model_max_length=512)
    answer_by_sentence_transformers(folder)
    tidy(folder)


def xlm_roberta():
    """As multilingual-e5-base and bge-m3 were published: white space split off, `add_prefix_space`; CLS pooling."""
    folder = folder_for("xlm-roberta")
    torch.manual_seed(3)
    tokenizer = unigram(
        420, normalizers.Precompiled(character_map()),
        pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")]))
    config = transformers.XLMRobertaConfig(
        vocab_size=tokenizer.get_vocab_size(), max_position_embeddings=66, type_vocab_size=1, pad_token_id=1,
        initializer_range=0.3, layer_norm_eps=1e-5, **SIZE)
    spread(transformers.XLMRobertaModel(config)).save_pretrained(folder)
    describe(folder, tokenizer, {"embedding_dimension": 32, "pooling_mode": "cls", "include_prompt": True}, 64,
             bos_token="<s>", eos_token="</s>", cls_token="<s>", sep_token="</s>", pad_token="<pad>",
             unk_token="<unk>", mask_token="<mask>", model_max_length=512)
    answer_by_sentence_transformers(folder)
    # The oldest files say it so.
    file = json.loads((folder / "tokenizer.json").read_text())
    file["pre_tokenizer"]["pretokenizers"][1] = {
        "type": "Metaspace", "replacement": "▁", "str_rep": "▁", "add_prefix_space": True}
    write(folder / "tokenizer.json", file)
    tidy(folder, lambda name: "roberta." + name)


def e5():
    """As multilingual-e5-small: BERT's encoder with XLM-RoBERTa's tokenizer, in the form that newer libraries write."""
    folder = folder_for("bert-unigram")
    torch.manual_seed(4)
    tokenizer = unigram(
        420, normalizers.Sequence([
            normalizers.Precompiled(character_map()), normalizers.Strip(left=False, right=True),
            normalizers.Replace(Regex(" {2,}"), "▁")]),
        pre_tokenizers.Metaspace(prepend_scheme="first"), byte_fallback=True)
    config = BertConfig(vocab_size=tokenizer.get_vocab_size(), max_position_embeddings=64, type_vocab_size=2,
                        initializer_range=0.3, **SIZE)
    spread(transformers.BertModel(config)).half().float().save_pretrained(folder)
    describe(folder, tokenizer, old_pooling("mean"), 64, bos_token="<s>", eos_token="</s>", cls_token="<s>",
             sep_token="</s>", pad_token="<pad>", unk_token="<unk>", mask_token="<mask>")
    answer_by_sentence_transformers(folder)
    tidy(folder, type=torch.float16)


def alibi(heads, length):
    """Slopes by the recipe of Press et al., Train Short, Test Long (2022), with distances in both directions."""
    def slopes(n):
        if n & (n - 1) == 0:
            return [2 ** (-8 * (i + 1) / n) for i in range(n)]
        below = 2 ** math.floor(math.log2(n))
        return slopes(below) + slopes(2 * below)[0::2][:n - below]

    positions = torch.arange(length)
    distances = (positions[None, :] - positions[:, None]).abs().float()
    return -torch.tensor(slopes(heads))[:, None, None] * distances


def jina():
    """Jina BERT v2, whose code is not in transformers: the forward pass after its authors' description.

    (Günther et al., Jina Embeddings 2, 2023; names and shapes as in jinaai/jina-bert-implementation.) BERT without
    position embeddings, ALiBi added to the attention scores, and as feed-forward block
    `LayerNorm(wo(gelu(a) * b) + x)` where `a` and `b` are the halves of `gated_layers(x)`, which has no bias.
    """
    folder = folder_for("jina")
    torch.manual_seed(5)
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(SENTENCES, trainers.BpeTrainer(
        vocab_size=600, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, special=True, normalized=False)])
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), True, False)
    heads, hidden, wide, layers = 3, 48, 64, 2
    shapes = {"embeddings.word_embeddings.weight": [tokenizer.get_vocab_size(), hidden],
              "embeddings.token_type_embeddings.weight": [2, hidden],
              "embeddings.LayerNorm.weight": [hidden], "embeddings.LayerNorm.bias": [hidden]}
    for layer in range(layers):
        name = f"encoder.layer.{layer}."
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            shapes |= {f"{name}attention.{part}.weight": [hidden, hidden], f"{name}attention.{part}.bias": [hidden]}
        for norm in ("attention.output.LayerNorm", "mlp.layernorm"):
            shapes |= {f"{name}{norm}.weight": [hidden], f"{name}{norm}.bias": [hidden]}
        shapes |= {f"{name}mlp.gated_layers.weight": [2 * wide, hidden], f"{name}mlp.wo.weight": [hidden, wide],
                   f"{name}mlp.wo.bias": [hidden]}
    weights = {}
    for name, shape in shapes.items():
        gain = 1.0 if name.lower().endswith("layernorm.weight") else 0.0
        weights[name] = (torch.randn(shape) * (0.3 if len(shape) == 2 else 0.1) + gain).half()
    save_file(weights, folder / "model.safetensors")
    write(folder / "config.json", {
        "architectures": ["JinaBertModel"], "model_type": "bert", "hidden_act": "gelu", "hidden_size": hidden,
        "intermediate_size": wide, "num_hidden_layers": layers, "num_attention_heads": heads, "layer_norm_eps": 1e-12,
        "feed_forward_type": "geglu", "position_embedding_type": "alibi", "emb_pooler": "mean", "type_vocab_size": 2,
        "max_position_embeddings": 8192, "vocab_size": tokenizer.get_vocab_size(), "torch_dtype": "float16",
        "auto_map": {"AutoModel": "jinaai/jina-bert-implementation--modeling_bert.JinaBertModel"}})
    describe(folder, tokenizer, {**old_pooling("mean"), "word_embedding_dimension": hidden}, 300, ())
    w = {name: tensor.float() for name, tensor in weights.items()}

    def linear(x, name):
        return torch.nn.functional.linear(x, w[name + ".weight"], w.get(name + ".bias"))

    def norm(x, name):
        return torch.nn.functional.layer_norm(x, (hidden,), w[name + ".weight"], w[name + ".bias"], 1e-12)

    def split(x):
        return x.view(-1, heads, hidden // heads).transpose(0, 1)

    def encode(text):
        ids = tokenizer.encode(text).ids
        ids = ids[:299] + [2] if len(ids) > 300 else ids
        x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.token_type_embeddings.weight"][0]
        x = norm(x, "embeddings.LayerNorm")
        for layer in range(layers):
            name = f"encoder.layer.{layer}."
            q, k, v = (split(linear(x, f"{name}attention.self.{part}")) for part in ("query", "key", "value"))
            scores = q @ k.transpose(1, 2) / math.sqrt(hidden // heads) + alibi(heads, len(ids))
            mixed = (scores.softmax(-1) @ v).transpose(0, 1).reshape(-1, hidden)
            x = norm(linear(mixed, name + "attention.output.dense") + x, name + "attention.output.LayerNorm")
            gate, value = linear(x, name + "mlp.gated_layers").split(wide, -1)
            x = norm(linear(torch.nn.functional.gelu(gate) * value, name + "mlp.wo") + x, name + "mlp.layernorm")
        return ids, x.mean(0)

    answer(folder, TEXTS + ["Die Frist " * 150], encode)


# MARK: - Rerankers

WORDS = """the a of is in and how long notice period three months quarter end rent paid by transfer before fifth day
der die das und wie lange ist frist drei monate zum ende miete kundigung pet ##s ##en ##e ##ung ##s
. , ? ! - ( ) 1 2 3 4 5 6 7 8 9 0""".split()
PAIRS = [
    ("how long is the notice period?", "the notice period is 3 months, to the end of a quarter."),
    ("how long is the notice period?", "the rent is paid by transfer before the fifth day."),
    ("Wie lange ist die Kündigungsfrist?", "Die Frist ist drei Monate zum Ende."),
    ("pets", ""),
    ("", "rent"),
    ("rent " * 40, "notice " * 90),
    ("(1) rent, 2 months", "unknownword! the end - and the rent"),
]


def answer_pairs(folder, ids_of, before, between, after, logit_of):
    """Our rule for what is too long: the query keeps at most half, the passage what is left."""
    room = 64 - len(before) - len(between) - len(after)
    answers = []
    for query, passage in PAIRS:
        first = ids_of(query)[:room // 2]
        second = ids_of(passage)[:room - len(first)]
        tokens = before + first + between + second + after
        types = [0] * (len(tokens) - len(second) - len(after)) + [1] * (len(second) + len(after))
        with torch.no_grad():
            answers.append({"query": query, "passage": passage, "logit": logit_of(tokens, types)})
    write(folder / "pairs.json", answers)


def cross_encoder():
    folder = folder_for("cross-encoder")
    vocabulary = list(dict.fromkeys(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + WORDS))
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n")
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=len(vocabulary), max_position_embeddings=64, type_vocab_size=2, num_labels=1,
        initializer_range=0.3, **SIZE)
    model = spread(BertForSequenceClassification(config))
    model.save_pretrained(folder, safe_serialization=True)
    tokenizer = BertTokenizerFast(vocab=str(folder / "vocab.txt"), do_lower_case=True, model_max_length=64)
    answer_pairs(
        folder, lambda text: tokenizer(text, add_special_tokens=False)["input_ids"], [2], [3], [3],
        lambda tokens, types: model(
            torch.tensor([tokens]), token_type_ids=torch.tensor([types])).logits[0, 0].item())


def xlm_reranker():
    """As bge-reranker-base and bge-reranker-v2-m3: XLM-RoBERTa with its own kind of head."""
    folder = folder_for("xlm-reranker")
    torch.manual_seed(8)
    tokenizer = unigram(
        330, normalizers.Precompiled(character_map()),
        pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")]))
    tokenizer.save(str(folder / "tokenizer.json"))
    write(folder / "tokenizer_config.json", {"tokenizer_class": "XLMRobertaTokenizer", "model_max_length": 64})
    config = transformers.XLMRobertaConfig(
        vocab_size=tokenizer.get_vocab_size(), max_position_embeddings=66, type_vocab_size=1, pad_token_id=1,
        num_labels=1, initializer_range=0.3, layer_norm_eps=1e-5, **SIZE)
    model = spread(transformers.XLMRobertaForSequenceClassification(config))
    model.save_pretrained(folder)
    answer_pairs(
        folder, lambda text: tokenizer.encode(text, add_special_tokens=False).ids, [0], [2, 2], [2],
        lambda tokens, types: model(torch.tensor([tokens])).logits[0, 0].item())


for make in (bert_cased, mpnet, xlm_roberta, e5, jina, cross_encoder, xlm_reranker):
    make()
