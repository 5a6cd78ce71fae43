/// Words that decide whether a full stop ends a sentence, German and English in one list: texts mix them.
enum SentenceWords {
    /// Abbreviations that always have something behind them.
    static let neverLast = words(
        """
        abb abg abk abl abschn abt adj adv allg alph amtl anl anm anw aufl ausg ausschl az bearb begr beil beisp bes betr bez \
        bezgl bezügl bgbl bl bspw bzgl bzw ca chr dgl dipl doz dr ebd einschl entspr erl ev evtl exkl f.a fa fam fn frl fzg geb \
        gegr gem ges gest gez ggf ggfs ggü hd hg hr hrn hrsg inh inkl insb insbes jew kap kath kfm kgl lfd lic lt mdl \
        med mind min mio mrd möbl mtl nachf nat nördl obb offz öffentl östl phil phys pl pol preuß prof prot pseud ref rer resp \
        röm sen sog sogen spez städt stellv std str südl svw tel telef tit u.d univ urspr verf vgl verm versch vertr verw vors \
        westl wg wirtsch wiss zit zool zus zw zzgl zzt z.b z.t z.zt z.hd d.h i.d.r i.d.f i.v.m i.s.d i.s.v i.e u.u s.o s.u \
        m.e o.g sr.exz \
        mr mrs ms messrs mme mlle prof gen col lt maj capt cmdr sgt cpl pvt gov sen rep rev hon pres amb supt det st mt ft \
        vs viz cf e.g i.e approx dept est ed eds trans repr assn bros ave blvd rd hwy fig figs eq eqs ref refs vol vols
        """
    )

    /// Abbreviations only in front of a number; else they may be ordinary words.
    static let beforeNumbers = words(
        """
        abs anh art bd bde bsp buchst gl hs hss kl lg nr nrn pos rd rdnr rn rz rspr s sp st tab taf tz z ziff § §§ \
        no nos p pp par para sec sect ch chap app ex jan feb mar apr jun jul aug sep sept okt oct nov dez dec mär
        """
    )

    /// Abbreviations that also stand at the end of sentences.
    static let sometimesLast = words(
        """
        etc usw usf usff ff f bzw al jr sr ft min lit esq inc ltd corp co llc plc bros u.a u.ä o.ä o.dgl u.dgl u.v.a u.v.m u.a.m a.m p.m \
        a.d n.chr v.chr chr jh jhd jhdt jh.s mill tsd stk stck kg cie gmbh mbh e.v a.a.o ggmbh ph.d m.d b.a m.a b.sc m.sc \
        u.s u.k u.n e.u d.c
        """
    )

    static let months = Set(
        """
        Januar Jänner Februar Feber März April Mai Juni Juli August September Oktober November Dezember Jan Feb Mär Apr Jun Jul \
        Aug Sep Sept Okt Nov Dez January February March May June July October December Jahrhundert Jahrhunderts Jh
        """.split(whereSeparator: \.isWhitespace).map(String.init)
    )

    /// Words in front of German ordinals: "der 2. Weltkrieg".
    static let beforeOrdinals = words(
        """
        der die das dem den des am im zum zur vom beim ans ins bis seit ab ein eine einen einem einer eines jede jeder jedes \
        jeden jedem ihr ihre ihrem ihren ihrer ihres sein seine seinem seinen seiner unser unsere unserem unseren mein meine \
        meinem meinen dein deine und oder dieser diese dieses diesem diesen jener jene als mit je pro zu
        """
    )

    static let starters = Set(
        """
        A After All Also Although An And Another Any As At Because Before Both But By Did Do Does During Each For From Had Has \
        Have He Her Here His How However I If In Is It Its Many More Most My No Not Now On One Only Or Other Our Please She \
        Since So Some Such That The Their Then There These They This Those Though To Under Until We What When Where Which While \
        Who Why With Yes You Your \
        Aber Alle Als Also Am An Auch Auf Aus Außerdem Bei Beim Bis Bitte Da Dabei Dadurch Daher Damit Danach Dann Darum Das \
        Dass Dazu Dem Den Denn Der Deren Des Deshalb Dessen Die Dies Diese Diesem Diesen Dieser Dieses Doch Dort Durch Ein Eine \
        Einem Einen Einer Eines Er Es Falls Für Hier Hierbei Ich Ihr Ihre Im In Ist Jede Jeder Jedes Jedoch Kann Man Mit Nach \
        Nachdem Neben Nicht Nun Nur Ob Obwohl Oder Ohne Seit Sein Seine Sie Sind So Sobald Sofern Solche Soll Somit Sondern Sowohl \
        Trotz Über Um Und Unser Unter Viele Vom Von Vor Während Wann Warum Was Weil Weitere Wenn Wer Werden Wie Wir Wird Wo Zu \
        Zudem Zum Zur Zwar Zwischen
        """.split(whereSeparator: \.isWhitespace).map(String.init)
    )

    private static func words(_ text: String) -> Set<String> {
        Set(text.split(whereSeparator: \.isWhitespace).map(String.init))
    }
}
