//! The span tree.

/// A place in a file; line and column count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// One YAML value and where it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What the value is.
    pub kind: NodeKind,
    /// Where it starts.
    pub position: Position,
}

/// The three shapes of a YAML value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeKind {
    /// A single value.
    Scalar(Scalar),
    /// A list.
    Seq(Vec<Node>),
    /// A map, in file order.
    Map(Vec<Entry>),
}

/// A single value with the way it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scalar {
    /// The text, quotes and escapes resolved.
    pub text: String,
    /// How it was written.
    pub style: Style,
    /// Whether a `${VAR}` was put in: such a value may become text or a number, quoted or not.
    pub expanded: bool,
}

/// How a scalar was written; `50000` and `"50000"` mean different things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// In single or double quotes.
    Quoted,
    /// A `|` or `>` block.
    Block,
}

/// One `key: value` of a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key's text.
    pub key: String,
    /// Where the key starts.
    pub key_position: Position,
    /// The value.
    pub value: Node,
}

impl Node {
    /// What this value is, for "found ..." in a message.
    pub fn describe(&self) -> String {
        match &self.kind {
            NodeKind::Seq(_) => "a list".into(),
            NodeKind::Map(_) => "a map".into(),
            NodeKind::Scalar(scalar) => scalar.describe(),
        }
    }
}

impl Scalar {
    /// Whether this is YAML's null: nothing, `~` or `null`, unquoted.
    pub fn is_null(&self) -> bool {
        self.untyped() && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }

    /// The value as a YAML boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self.text.as_str() {
            "true" | "True" | "TRUE" if self.may_be_typed() => Some(true),
            "false" | "False" | "FALSE" if self.may_be_typed() => Some(false),
            _ => None,
        }
    }

    /// The text, if it may be read as a number or boolean: unquoted, or from a variable.
    pub fn typed_text(&self) -> Option<&str> {
        self.may_be_typed().then_some(self.text.as_str())
    }

    /// Whether YAML reads this unquoted text as a number.
    pub fn is_number(&self) -> bool {
        let digits = self.text.trim_start_matches(['+', '-']);
        self.untyped()
            && digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
            && (self.text.parse::<f64>().is_ok() || is_prefixed_integer(digits))
    }

    fn describe(&self) -> String {
        if self.is_null() {
            return "nothing".into();
        }
        if self.is_number() {
            return format!("the number {}", self.text);
        }
        match self.as_bool() {
            Some(value) => value.to_string(),
            // A variable's value may be a secret: it is never quoted in a message.
            None if self.expanded => "the text of a variable".into(),
            None => format!("the text `{}`", shorten(&self.text)),
        }
    }

    fn untyped(&self) -> bool {
        self.style == Style::Plain && !self.expanded
    }

    fn may_be_typed(&self) -> bool {
        self.style == Style::Plain || self.expanded
    }
}

fn is_prefixed_integer(digits: &str) -> bool {
    let hex = digits.strip_prefix("0x").map(|d| (d, 16));
    let octal = digits.strip_prefix("0o").map(|d| (d, 8));
    hex.or(octal)
        .is_some_and(|(d, radix)| !d.is_empty() && d.chars().all(|c| c.is_digit(radix)))
}

/// The first characters of a text, on one line, for a message.
fn shorten(text: &str) -> String {
    const CHARS_MAX: usize = 40;
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() <= CHARS_MAX && line.len() == text.trim_end().len() {
        return line.into();
    }
    line.chars().take(CHARS_MAX).chain("...".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Scalar {
        Scalar {
            text: text.into(),
            style: Style::Plain,
            expanded: false,
        }
    }

    #[test]
    fn numbers_are_what_yaml_calls_numbers() {
        for text in ["0", "-1", "+5", "0.05", ".5", "1e9", "0x1F", "0o17"] {
            assert!(plain(text).is_number(), "{text}");
        }
        for text in [
            "",
            "abc",
            "1.2.3",
            "127.0.0.1",
            "0xzz",
            "inf",
            "nan",
            "30s",
            "-",
        ] {
            assert!(!plain(text).is_number(), "{text}");
        }
        let quoted = Scalar {
            style: Style::Quoted,
            ..plain("5")
        };
        assert!(!quoted.is_number());
    }

    #[test]
    fn a_variable_may_become_a_number_but_is_never_shown() {
        let scalar = Scalar {
            text: "s3cret".into(),
            style: Style::Quoted,
            expanded: true,
        };
        assert_eq!(scalar.typed_text(), Some("s3cret"));
        assert_eq!(scalar.describe(), "the text of a variable");
    }

    #[test]
    fn long_text_is_shortened_on_one_line() {
        assert_eq!(shorten("one\ntwo"), "one...");
        assert_eq!(shorten(&"x".repeat(50)).len(), 43);
    }
}
