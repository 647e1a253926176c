//! Text from elsewhere, made harmless: control characters and direction marks become visible, signatures and
//! payment headers keep a prefix, long strings are cut.

/// Hex digits from which a run counts as a signature: 64 bytes, the shortest signature there is.
const SIGNATURE_HEX_DIGITS: usize = 128;
/// Base64 characters from which a run counts as an encoded message, which may hold a signature.
const ENCODED_CHARS: usize = 120;
/// Characters that stay of a shortened run, `0x` not counted.
const KEPT_HEX: usize = 8;
const KEPT_ENCODED: usize = 16;

/// One line of harmless text of at most `chars_max` characters.
pub fn line(text: &str, chars_max: usize) -> String {
    cut(&visible(&shorten(text)), chars_max)
}

/// Replaces line breaks and tabs by blanks, and every other character that does not show, or that changes how its
/// neighbours show, by its visible escape.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            c if c.is_control() || is_invisible(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// Direction marks and isolates, zero-width characters, separators, soft hyphen, byte-order mark, tags.
const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}'
        | '\u{FFF0}'..='\u{FFFB}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// A command as one line of at most `chars_max` characters: signatures are shortened, long words stay whole so that
/// it can be copied.
pub fn command(text: &str, chars_max: usize) -> String {
    cut(&visible(&shorten_runs(text, false)), chars_max)
}

/// Shortens signatures (128 hex digits and more) and encoded messages (120 base64 characters and more) to a prefix.
pub fn shorten(text: &str) -> String {
    shorten_runs(text, true)
}

fn shorten_runs(text: &str, messages_too: bool) -> String {
    let mut out = String::with_capacity(text.len().min(4096));
    let mut rest = text;
    while let Some(start) = rest.find(is_encoded) {
        out.push_str(&rest[..start]);
        let run_and_rest = &rest[start..];
        let end = run_and_rest
            .find(|c| !is_encoded(c))
            .unwrap_or(run_and_rest.len());
        let (run, after) = run_and_rest.split_at(end);
        push_run(&mut out, run, messages_too);
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Characters of hex and of both base64 alphabets; all ASCII, so a run can be cut at any byte.
const fn is_encoded(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_')
}

fn push_run(out: &mut String, run: &str, messages_too: bool) {
    let (prefix, digits) = match run.strip_prefix("0x") {
        Some(digits) => ("0x", digits),
        None => ("", run),
    };
    let is_hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
    if is_hex && digits.len() >= SIGNATURE_HEX_DIGITS {
        out.push_str(prefix);
        out.push_str(&digits[..KEPT_HEX]);
        out.push('…');
    } else if messages_too && run.len() >= ENCODED_CHARS {
        out.push_str(&run[..KEPT_ENCODED]);
        out.push('…');
    } else {
        out.push_str(run);
    }
}

/// The first `chars_max` characters; the last of them is `…` when something was cut.
pub fn cut(text: &str, chars_max: usize) -> String {
    if text.chars().nth(chars_max).is_none() {
        return text.to_owned();
    }
    let mut kept: String = text.chars().take(chars_max.saturating_sub(1)).collect();
    kept.push('…');
    kept
}

/// Breaks text into lines of at most `width` characters, at blanks. A longer word stays whole, so that hashes and
/// URLs can be copied.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(16);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        let chars = word.chars().count();
        if length > 0 && length + 1 + chars > width {
            lines.push(std::mem::take(&mut line));
            length = 0;
        }
        if length > 0 {
            line.push(' ');
            length += 1;
        }
        line.push_str(word);
        length += chars;
    }
    if length > 0 || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// `n thing` or `n things`.
pub fn counted(count: usize, singular: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {singular}{plural}")
}

/// A duration for people: `850 ms`, `4.2 s`, `3 min 5 s`.
pub fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
    }
}

/// Microseconds for people: `90 µs`, `1.25 ms`, `2.50 s`.
pub fn micros(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{}.{:02} ms", us / 1_000, us % 1_000 / 10),
        _ => format!("{}.{:02} s", us / 1_000_000, us % 1_000_000 / 10_000),
    }
}

/// The same for a place on an axis or a mean: rounded to whole microseconds, and never below zero.
pub(crate) fn micros_of(us: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a label; the cast saturates"
    )]
    micros(us.max(0.0).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_keep_a_prefix_and_hashes_stay_whole() {
        let hash = format!("0x{}", "ab".repeat(32));
        let signature = format!("0x{}1b", "cd".repeat(64));
        let text = format!("tx {hash} signed {signature}, done");
        assert_eq!(
            shorten(&text),
            format!("tx {hash} signed 0xcdcdcdcd…, done")
        );
        assert_eq!(shorten(&"ef".repeat(65)), "efefefef…");
    }

    #[test]
    fn encoded_messages_keep_a_prefix() {
        let header = "eyJ4NDAyVmVyc2lvbiI6Mi".repeat(8);
        assert_eq!(
            shorten(&format!("sent {header}==")),
            "sent eyJ4NDAyVmVyc2lv…=="
        );
        assert_eq!(
            shorten("http://127.0.0.1/a/b_c-d"),
            "http://127.0.0.1/a/b_c-d"
        );
    }

    #[test]
    fn what_does_not_show_is_made_to_show() {
        assert_eq!(visible("a\u{1b}[31mb\r\nc\td"), "a\\u{1b}[31mb  c d");
        assert_eq!(
            visible("\u{202e}txt\u{200b}\u{feff}\u{9b}"),
            "\\u{202e}txt\\u{200b}\\u{feff}\\u{9b}"
        );
        assert_eq!(visible("preço ₮ 価格"), "preço ₮ 価格");
    }

    #[test]
    fn cutting_counts_characters_and_marks_the_cut() {
        assert_eq!(cut("価格価格", 4), "価格価格");
        assert_eq!(cut("価格価格", 3), "価格…");
        assert_eq!(cut("", 0), "");
        assert_eq!(line(&"x y".repeat(1_000_000), 40).chars().count(), 40);
    }

    #[test]
    fn wrapping_breaks_at_blanks_only() {
        let hash = "z".repeat(30);
        assert_eq!(
            wrap(&format!("one two three four five {hash} six"), 16),
            ["one two three", "four five", &hash, "six"]
        );
        assert_eq!(wrap("", 20), [""]);
    }

    #[test]
    fn numbers_for_people() {
        assert_eq!(duration(999), "999 ms");
        assert_eq!(duration(4_250), "4.2 s");
        assert_eq!(duration(185_000), "3 min 5 s");
        assert_eq!(micros(90), "90 µs");
        assert_eq!(micros(1_257), "1.25 ms");
        assert_eq!(micros(2_500_000), "2.50 s");
        assert_eq!(counted(1, "check"), "1 check");
        assert_eq!(counted(0, "check"), "0 checks");
    }
}
