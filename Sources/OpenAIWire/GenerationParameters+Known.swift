// The tables of known parameters. Where a service states a range it stands here; elsewhere any finite number will do.

extension GenerationParameters {
    private static let finite = Kind.number(-1e12...1e12)
    private static let share = Kind.number(0...1)
    private static let count = Kind.integer(-1...1_000_000_000)
    private static let anyInteger = Kind.integer(Int.min...Int.max)

    /// OpenAI's own.
    static let openAI: [String: Kind] = [
        "audio": .object, "frequency_penalty": .number(-2...2), "function_call": .any, "functions": .array,
        "max_completion_tokens": .integer(tokenLimits), "max_tokens": .integer(tokenLimits), "modalities": .strings,
        "moderation": .any, "parallel_tool_calls": .bool, "prediction": .object, "presence_penalty": .number(-2...2),
        "prompt_cache_key": .string, "prompt_cache_retention": .string, "reasoning_effort": .string,
        "safety_identifier": .string, "seed": anyInteger, "service_tier": .string, "store": .bool,
        "temperature": .number(0...2), "top_logprobs": .integer(0...20), "top_p": share, "user": .string,
        "verbosity": .string, "web_search_options": .object,
    ]

    /// Those of other servers, passed on to model servers that know them.
    static let others: [String: Kind] = llamaCpp.merging(webUI) { first, _ in first }.merging(vLLM) { first, _ in first }

    private static let llamaCpp: [String: Kind] = [
        "cache_prompt": .bool, "chat_template_kwargs": .object, "dry_allowed_length": count, "dry_base": finite,
        "dry_multiplier": finite, "dry_penalty_last_n": count, "dry_sequence_breakers": .strings,
        "dynatemp_exponent": finite, "dynatemp_range": finite, "grammar": .string, "id_slot": count, "ignore_eos": .bool,
        "json_schema": .object, "lora": .array, "min_keep": count, "min_p": share, "mirostat": .integer(0...2),
        "mirostat_eta": finite, "mirostat_tau": finite, "n_cache_reuse": count, "n_keep": count,
        "n_probs": .integer(0...1_000), "post_sampling_probs": .bool, "reasoning_format": .string,
        "repeat_last_n": count, "repeat_penalty": finite, "samplers": .strings, "slot_id": count,
        "t_max_predict_ms": count, "tfs_z": finite, "top_k": count, "top_n_sigma": finite, "typical_p": finite,
        "xtc_probability": share, "xtc_threshold": share,
    ]

    private static let webUI: [String: Kind] = [
        "adaptive_decay": finite, "adaptive_target": finite, "add_bos_token": .bool, "auto_max_new_tokens": .bool,
        "ban_eos_token": .bool, "custom_token_bans": .string, "do_sample": .bool, "dynamic_temperature": .bool,
        "dynatemp_high": finite, "dynatemp_low": finite, "early_stopping": .bool,
        "encoder_repetition_penalty": finite, "epsilon_cutoff": finite, "eta_cutoff": finite,
        "grammar_string": .string, "guidance_scale": finite, "length_penalty": finite, "max_tokens_second": count,
        "min_length": count, "mirostat_mode": .integer(0...2), "negative_prompt": .string,
        "no_repeat_ngram_size": count, "num_beams": count, "penalty_alpha": finite, "preset": .string,
        "preserve_thinking": .bool, "prompt_lookup_num_tokens": count, "repetition_penalty": finite,
        "repetition_penalty_range": count, "sampler_priority": .strings, "skip_special_tokens": .bool,
        "smoothing_curve": finite, "smoothing_factor": finite, "temperature_last": .bool, "tfs": finite, "top_a": finite,
        "truncation_length": count,
    ].merging(webUIChat) { first, _ in first }

    /// What text-generation-webui's chats are made of. Its streams repeat each delta as `message`, and so do ours where a
    /// request has one of these.
    static let webUIChat: [String: Kind] = [
        "bot_name": .string, "character": .string, "chat_instruct_command": .string, "chat_template_str": .string,
        "context": .string, "continue_": .bool, "greeting": .string, "impersonate": .bool,
        "instruction_template": .string, "instruction_template_str": .string,
        "mode": .choice(["instruct", "chat", "chat-instruct"]), "name1": .string, "name2": .string,
        "user_bio": .string, "user_name": .string,
    ]

    private static let vLLM: [String: Kind] = [
        "enable_thinking": .bool, "guided_choice": .strings, "guided_grammar": .string, "guided_json": .any,
        "guided_regex": .string, "include_stop_str_in_output": .bool, "min_tokens": count, "steering_concepts": .array,
        "stop_token_ids": .array,
    ]

    /// Checked and not passed on: they change how a server answers, and not what.
    static let withoutEffect: [String: Kind] = [
        "best_of": .integer(1...20), "n_cmpl": count, "n_indent": count, "response_fields": .strings,
        "return_progress": .bool, "return_tokens": .bool, "sse_ping_interval": count, "timings_per_token": .bool,
    ]
}
