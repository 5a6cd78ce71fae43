/// Character references: the 252 names of HTML 4, some of HTML 5 that people write, and numbers.
enum HTMLEntities {
    /// Decodes the reference whose `&` is at `start`.
    ///
    /// - Returns: Its text and the index behind it, or nil where `&` is just an ampersand.
    static func decode(_ input: ArraySlice<UInt8>, at start: Int) -> (text: [UInt8], end: Int)? {
        let rest = input[(start + 1)...]
        guard let first = rest.first else { return nil }
        return first == UInt8(ascii: "#") ? number(rest.dropFirst()) : name(rest)
    }

    private static func name(_ rest: ArraySlice<UInt8>) -> (text: [UInt8], end: Int)? {
        let name = rest.prefix(12).prefix(while: \.isAlphanumeric)
        guard name.count >= 2, let scalar = names[name.string] else { return nil }
        let next = name.endIndex < rest.endIndex ? rest[name.endIndex] : .space
        if next == UInt8(ascii: ";") { return (Array(String(scalar).utf8), name.endIndex + 1) }
        // Without semicolon only the old names count, and not in front of what makes them part of an address.
        let isOld = scalar.value < 0x100
        return isOld && next != UInt8(ascii: "=") && !next.isAlphanumeric ? (Array(String(scalar).utf8), name.endIndex) : nil
    }

    private static func number(_ rest: ArraySlice<UInt8>) -> (text: [UInt8], end: Int)? {
        let isHexadecimal = rest.first.map { $0 | 0x20 == UInt8(ascii: "x") } ?? false
        let body = isHexadecimal ? rest.dropFirst() : rest
        let digits = body.prefix(10).prefix { isHexadecimal ? hexadecimal($0) : $0.isDigit }
        guard !digits.isEmpty else { return nil }
        let value = UInt32(digits.string, radix: isHexadecimal ? 16 : 10) ?? 0xFFFD
        let hasSemicolon = digits.endIndex < rest.endIndex && rest[digits.endIndex] == UInt8(ascii: ";")
        return (Array(String(scalar(value)).utf8), digits.endIndex + (hasSemicolon ? 1 : 0))
    }

    private static func hexadecimal(_ byte: UInt8) -> Bool {
        byte.isDigit || (byte.lowercased >= UInt8(ascii: "a") && byte.lowercased <= UInt8(ascii: "f"))
    }

    /// Numbers 128…159 mean windows-1252, as in every browser; what no character has becomes U+FFFD.
    private static func scalar(_ value: UInt32) -> Character {
        if (0x80..<0xA0).contains(value) { return Character(CharacterSet.windows1252Middle[Int(value) - 0x80]) }
        guard value != 0, let scalar = Unicode.Scalar(value) else { return "\u{FFFD}" }
        return Character(scalar)
    }

    private static let names: [String: Unicode.Scalar] = {
        var names: [String: Unicode.Scalar] = [:]
        for (first, row) in runs {
            for (offset, name) in row.split(whereSeparator: \.isWhitespace).enumerated() where name != "-" {
                names[String(name)] = Unicode.Scalar(first + UInt32(offset))
            }
        }
        for pair in singles.split(whereSeparator: \.isWhitespace) {
            let parts = pair.split(separator: "=")
            guard parts.count == 2, let value = UInt32(parts[1], radix: 16) else { continue }
            names[String(parts[0])] = Unicode.Scalar(value)
        }
        return names
    }()

    /// Names of scalars that follow each other.
    private static let runs: [(UInt32, String)] = [
        (
            0xA0,
            """
            nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute \
            micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring \
            AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml \
            times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil \
            egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash \
            ugrave uacute ucirc uuml yacute thorn yuml
            """
        ),
        (
            0x391,
            """
            Alpha Beta Gamma Delta Epsilon Zeta Eta Theta Iota Kappa Lambda Mu Nu Xi Omicron Pi Rho - Sigma Tau Upsilon \
            Phi Chi Psi Omega
            """
        ),
        (
            0x3B1,
            """
            alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigmaf sigma tau \
            upsilon phi chi psi omega
            """
        ),
    ]

    /// `name=scalar` in hexadecimal.
    private static let singles = """
        quot=22 amp=26 lt=3C gt=3E apos=27 QUOT=22 AMP=26 LT=3C GT=3E COPY=A9 REG=AE OElig=152 oelig=153 Scaron=160 \
        scaron=161 Yuml=178 circ=2C6 tilde=2DC fnof=192 thetasym=3D1 upsih=3D2 piv=3D6 ensp=2002 emsp=2003 thinsp=2009 \
        zwnj=200C zwj=200D lrm=200E rlm=200F ndash=2013 mdash=2014 lsquo=2018 rsquo=2019 sbquo=201A ldquo=201C rdquo=201D \
        bdquo=201E dagger=2020 Dagger=2021 bull=2022 hellip=2026 permil=2030 prime=2032 Prime=2033 lsaquo=2039 rsaquo=203A \
        oline=203E frasl=2044 euro=20AC image=2111 weierp=2118 real=211C trade=2122 alefsym=2135 larr=2190 uarr=2191 \
        rarr=2192 darr=2193 harr=2194 crarr=21B5 lArr=21D0 uArr=21D1 rArr=21D2 dArr=21D3 hArr=21D4 forall=2200 part=2202 \
        exist=2203 empty=2205 nabla=2207 isin=2208 notin=2209 ni=220B prod=220F sum=2211 minus=2212 lowast=2217 radic=221A \
        prop=221D infin=221E ang=2220 and=2227 or=2228 cap=2229 cup=222A int=222B there4=2234 sim=223C cong=2245 asymp=2248 \
        ne=2260 equiv=2261 le=2264 ge=2265 sub=2282 sup=2283 nsub=2284 sube=2286 supe=2287 oplus=2295 otimes=2297 perp=22A5 \
        sdot=22C5 lceil=2308 rceil=2309 lfloor=230A rfloor=230B lang=27E8 rang=27E9 loz=25CA spades=2660 clubs=2663 \
        hearts=2665 diams=2666 excl=21 num=23 dollar=24 percnt=25 lpar=28 rpar=29 ast=2A plus=2B comma=2C period=2E sol=2F \
        colon=3A semi=3B equals=3D quest=3F commat=40 lbrack=5B lsqb=5B bsol=5C rbrack=5D rsqb=5D Hat=5E lowbar=5F grave=60 \
        lbrace=7B lcub=7B vert=7C verbar=7C rbrace=7D rcub=7D Tab=9 NewLine=A hyphen=2010 dash=2010 horbar=2015 nldr=2025 \
        mldr=2026 numsp=2007 puncsp=2008 hairsp=200A check=2713 cross=2717 star=2606 starf=2605 phone=260E inodot=131 \
        Abreve=102 abreve=103 Aogon=104 aogon=105 Cacute=106 cacute=107 Ccaron=10C ccaron=10D Dcaron=10E dcaron=10F \
        Eogon=118 eogon=119 Ecaron=11A ecaron=11B Gbreve=11E gbreve=11F Idot=130 Lstrok=141 lstrok=142 Nacute=143 \
        nacute=144 Ncaron=147 ncaron=148 Odblac=150 odblac=151 Rcaron=158 rcaron=159 Sacute=15A sacute=15B Scedil=15E \
        scedil=15F Tcaron=164 tcaron=165 Uring=16E uring=16F Udblac=170 udblac=171 Zacute=179 zacute=17A Zdot=17B zdot=17C \
        Zcaron=17D zcaron=17E
        """
}
