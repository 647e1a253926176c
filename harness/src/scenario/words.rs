//! The words of the language: every closed set of values a scenario file may name.

/// Defines an enum whose values are words of a scenario file.
macro_rules! words {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$about:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$about])* $variant,)+ }

        impl $name {
            /// Every word with its value, in the order of the documentation.
            pub const ALL: &'static [(&'static str, Self)] = &[$(($word, Self::$variant),)+];

            /// The word a scenario file says it with.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }
    };
}
pub(super) use words;

words! {
    /// What a scenario needs of the target and the run; without it the scenario is skipped, with the reason.
    pub enum Need {
        /// The target uses the bench's facilitator.
        Facilitator = "facilitator",
        /// A ledger the bench reads: in memory or an EVM.
        Chain = "chain",
        /// A real EVM.
        Evm = "evm",
        /// A dev node the bench controls: mining, reorgs, balances, code.
        Anvil = "anvil",
        /// What a paid body looks like is known (a marker or a learned fingerprint).
        Origin = "origin",
        /// The profile's `origin.executions` counter.
        Executions = "executions",
        /// The profile's `origin.status`.
        OriginStatus = "origin-status",
        /// The profile's `origin.delay`.
        OriginDelay = "origin-delay",
        /// The profile's `origin.stream`.
        OriginStream = "origin-stream",
        /// A target the bench started, so that it can stop and restart it.
        Launch = "launch",
        /// A target of which the bench can start several copies.
        Replicas = "replicas",
        /// A second paid route.
        SecondRoute = "second-route",
        /// A paid route that the profile prices higher than the first one.
        DearerRoute = "dearer-route",
        /// A paid route with a path parameter.
        ParameterRoute = "parameter-route",
        /// A paid route with a wildcard.
        WildcardRoute = "wildcard-route",
        /// A paid route that takes a body.
        BodyRoute = "body-route",
        /// The target declares the payment-identifier extension.
        PaymentIdentifier = "payment-identifier",
        /// A paid route that offers `upto`, and a ledger that settles it.
        Upto = "upto",
    }
}

impl Need {
    /// What a stated need brings with it.
    pub const fn implies(self) -> &'static [Self] {
        match self {
            Self::Evm => &[Self::Chain],
            Self::Anvil => &[Self::Evm, Self::Chain],
            Self::Replicas => &[Self::Launch],
            Self::Upto => &[Self::Chain],
            _ => &[],
        }
    }

    /// Whether one of the stated needs covers this one.
    pub fn covered_by(self, stated: &[Self]) -> bool {
        stated
            .iter()
            .any(|need| *need == self || need.implies().contains(&self))
    }
}

words! {
    /// How a payment is meant.
    pub enum Scheme {
        /// The amount is moved.
        Exact = "exact",
        /// At most the amount is moved: what was used.
        Upto = "upto",
    }
}

words! {
    /// Whether the facilitator has done its work (verified, or settled) when something strikes.
    pub enum Stage {
        /// The call was read; nothing was done.
        BeforeWork = "before-work",
        /// All is done, a settlement is mined; no byte of the answer was sent.
        AfterWork = "after-work",
    }
}

words! {
    /// When a connection of the facilitator is reset.
    pub enum Moment {
        /// The call was read; nothing is done.
        BeforeWork = "before-work",
        /// As soon as the settlement was broadcast; not at all when it never was.
        AfterBroadcast = "after-broadcast",
        /// When the settlement was mined, before the answer; not at all when it never was.
        AfterMined = "after-mined",
        /// When the work is done, however it ended, before the answer.
        AfterWork = "after-work",
        /// Half-way through the answer's body.
        MidBody = "mid-body",
    }
}

words! {
    /// Something that is seen on a link: `before-x`, the request arrived and was not passed on; `after-x`, the answer
    /// arrived and was not passed back.
    pub enum ProtocolEvent {
        /// The server asked to verify.
        BeforeVerify = "before-verify",
        /// The facilitator answered verify.
        AfterVerify = "after-verify",
        /// The server asked to settle.
        BeforeSettle = "before-settle",
        /// The facilitator answered settle.
        AfterSettle = "after-settle",
        /// The server asked what is supported.
        BeforeSupported = "before-supported",
        /// The facilitator said what is supported.
        AfterSupported = "after-supported",
        /// The client asked without a payment.
        BeforeQuote = "before-quote",
        /// The server answered a request without a payment.
        AfterQuote = "after-quote",
        /// The client sent a payment.
        BeforePayment = "before-payment",
        /// The server answered a paid request.
        AfterPayment = "after-payment",
    }
}

words! {
    /// Ways to write one and the same authorization.
    pub enum Encoding {
        /// White space between JSON tokens.
        Whitespace = "whitespace",
        /// Members in another order.
        KeyOrder = "key-order",
        /// Upper-case hex digits in nonce and signature.
        HexCase = "hex-case",
        /// Base64 without, or with more than the usual, padding.
        Padding = "padding",
        /// Addresses all in lower case instead of checksummed, or the reverse.
        AddressCase = "address-case",
        /// One more member that nobody reads.
        ExtraMember = "extra-member",
        /// JSON strings written with `\u` escapes.
        UnicodeEscapes = "unicode-escapes",
        /// The signature's recovery byte as 0/1 instead of 27/28, or the reverse.
        VForm = "v-form",
    }
}

words! {
    /// Ways to write a protected path so that a gate and a router may read it differently; sent without normalisation.
    pub enum PathForm {
        /// One letter percent-encoded.
        EncodedLetter = "encoded-letter",
        /// `%2F` for the last slash; in the parameter or the wildcard's tail where there is one.
        EncodedSlash = "encoded-slash",
        /// `%252F` in the same place.
        DoubleEncodedSlash = "double-encoded-slash",
        /// A backslash at the end, or in the parameter.
        Backslash = "backslash",
        /// `%5C` at the end, or in the parameter.
        EncodedBackslash = "encoded-backslash",
        /// A percent sign that starts no escape, in the parameter, or a segment added at the end.
        BadEscape = "bad-escape",
        /// `%0A` in the parameter, or a segment added at the end.
        EncodedNewline = "encoded-newline",
        /// `%E2%80%A8` in the parameter, or a segment added at the end.
        EncodedLineSeparator = "encoded-line-separator",
        /// Two slashes at the start.
        DoubleSlash = "double-slash",
        /// A slash at the end.
        TrailingSlash = "trailing-slash",
        /// Upper-case letters.
        UpperCase = "upper-case",
        /// `/x/..` in front.
        DotSegments = "dot-segments",
        /// A whole URL as the request target.
        AbsoluteForm = "absolute-form",
        /// A `;x=1` path parameter at the end.
        PathParameter = "path-parameter",
        /// `/x/%2e%2e` in front.
        EncodedDots = "encoded-dots",
        /// A query that nobody asked for.
        Query = "query",
        /// A fragment, which no client sends.
        Fragment = "fragment",
    }
}

words! {
    /// Answers a facilitator should never give. The names are those of the mock facilitator's table.
    pub enum OddBody {
        /// 200 with an empty body.
        Empty = "empty",
        /// 204 without a body.
        NoContent = "no-content",
        /// An HTML page.
        Html = "html",
        /// The text OK.
        TextOk = "text-ok",
        /// The bare value true.
        True = "true",
        /// The bare string `true`.
        StringTrue = "string-true",
        /// The bare number 1.
        NumberOne = "number-one",
        /// Null.
        Null = "null",
        /// An empty array.
        Array = "array",
        /// An empty object.
        EmptyObject = "empty-object",
        /// 200 with {`error`: …}.
        ErrorObject = "error-object",
        /// The answer inside an array.
        InArray = "in-array",
        /// The answer as JSON inside a JSON string.
        InString = "in-string",
        /// The answer inside {`data`: …}.
        InData = "in-data",
        /// `isValid` or `success` is missing.
        FlagMissing = "flag-missing",
        /// `isValid` or `success` is null.
        FlagNull = "flag-null",
        /// `isValid` or `success` is a string, `false` when it is false.
        FlagString = "flag-string",
        /// `isValid` or `success` is 1 or 0.
        FlagNumber = "flag-number",
        /// `isValid` or `success` is an object.
        FlagObject = "flag-object",
        /// `isvalid` or `Success`: the name in other letter case.
        FlagOtherCase = "flag-other-case",
        /// The reason is null.
        ReasonNull = "reason-null",
        /// The reason is given whatever the verdict.
        ReasonOnYes = "reason-on-yes",
        /// The reason is a number.
        ReasonNumber = "reason-number",
        /// Payer is null.
        PayerNull = "payer-null",
        /// The transaction member is missing.
        TransactionMissing = "transaction-missing",
        /// Transaction is a number.
        TransactionNumber = "transaction-number",
        /// The network member is missing.
        NetworkMissing = "network-missing",
        /// Members nobody knows.
        ExtraMembers = "extra-members",
        /// 10 MiB of padding in an unknown member.
        Huge = "huge",
        /// JSON that stops in the middle, in a complete response.
        Truncated = "truncated",
        /// Text behind the JSON.
        TrailingGarbage = "trailing-garbage",
        /// Two answers behind each other.
        TwoDocuments = "two-documents",
        /// The true answer as text/html.
        WrongContentType = "wrong-content-type",
        /// The true answer without a content type.
        NoContentType = "no-content-type",
        /// A byte order mark before the JSON.
        Bom = "bom",
        /// UTF-16, declared so.
        Utf16 = "utf-16",
        /// A string with a byte that is no UTF-8.
        InvalidUtf8 = "invalid-utf8",
        /// The verdict twice, first its opposite.
        DuplicateKeys = "duplicate-keys",
        /// A member that is NaN.
        Nan = "nan",
        /// JSON with a comment.
        Comment = "comment",
        /// An object in single quotes.
        SingleQuotes = "single-quotes",
        /// An unknown member nested 10,000 deep.
        DeepNesting = "deep-nesting",
        /// Declared gzip, and none.
        GzipGarbage = "gzip-garbage",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_at_least_25_odd_bodies_and_eight_encodings() {
        assert!(OddBody::ALL.len() >= 25);
        assert_eq!(Encoding::ALL.len(), 8);
        for (word, body) in OddBody::ALL {
            assert_eq!(body.word(), *word);
        }
    }

    #[test]
    fn the_odd_bodies_are_those_of_the_facilitator() {
        let rows = x402_mock_facilitator::ODD_BODIES.iter();
        let theirs: Vec<&str> = rows.map(|row| row.name).collect();
        let ours: Vec<&str> = OddBody::ALL.iter().map(|(word, _)| *word).collect();
        assert_eq!(ours, theirs);
    }

    #[test]
    fn needs_cover_what_they_imply() {
        assert!(Need::Chain.covered_by(&[Need::Anvil]));
        assert!(Need::Launch.covered_by(&[Need::Replicas]));
        assert!(!Need::Anvil.covered_by(&[Need::Chain, Need::Evm]));
    }
}
