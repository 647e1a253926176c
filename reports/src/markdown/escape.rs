//! Foreign text inside Markdown: shown as it is, and unable to become markup, a link, a mention or HTML.

use crate::text;

/// One line of running text, at most `chars_max` characters of the original.
pub(crate) fn inline(text: &str, chars_max: usize) -> String {
    let text = text::line(text, chars_max);
    let text = text.trim_start();
    let mut out = String::with_capacity(text.len() + 16);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let next = chars.peek().copied();
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // A code span keeps @user, #1 and !1 from becoming mentions and links: a backslash does not.
            '@' | '#' | '!' | '~' if next.is_some_and(char::is_alphanumeric) => {
                out.extend(['`', c, '`']);
            }
            '.' if out.ends_with("www") => out.push_str("\\."),
            ':' if next == Some('/') => out.push_str("\\:"),
            '-' | '+' | '=' if out.is_empty() => out.extend(['\\', c]),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' | '$' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

/// A code span; `|` is escaped so that it holds inside a table.
pub(crate) fn code(text: &str, chars_max: usize) -> String {
    let text = text::line(text, chars_max).replace('|', "\\|");
    let fence = "`".repeat(longest_backtick_run(&text) + 1);
    let pad = if text.is_empty() || text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A fenced block of one command.
pub(super) fn block(command: &str, chars_max: usize) -> String {
    let command = text::command(command, chars_max);
    let fence = "`".repeat((longest_backtick_run(&command) + 1).max(3));
    format!("{fence}sh\n{command}\n{fence}\n")
}

/// A fenced block of lines as they are, each of at most `chars_max` characters.
pub(super) fn lines(lines: impl Iterator<Item = String>, chars_max: usize) -> String {
    let lines: Vec<String> = lines.map(|line| text::line(&line, chars_max)).collect();
    let longest = lines.iter().map(|line| longest_backtick_run(line)).max();
    let fence = "`".repeat((longest.unwrap_or(0) + 1).max(3));
    format!("{fence}text\n{}\n{fence}\n", lines.join("\n"))
}

fn longest_backtick_run(text: &str) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_text() {
        assert_eq!(
            inline("<b>x</b> | *y* `z` [a](b)", 100),
            "&lt;b&gt;x&lt;/b&gt; \\| \\*y\\* \\`z\\` \\[a\\](b)"
        );
        assert_eq!(
            inline("# no heading\n- no list", 100),
            "\\# no heading - no list"
        );
        assert_eq!(inline("- no list", 100), "\\- no list");
        assert_eq!(inline("    no code", 100), "no code");
    }

    #[test]
    fn nobody_is_mentioned_and_nothing_is_linked() {
        assert_eq!(
            inline("@maintainer see #12 at https://evil.test", 100),
            "`@`maintainer see `#`12 at https\\://evil.test"
        );
        assert_eq!(
            inline("www.evil.test a@b.c", 100),
            "www\\.evil.test a`@`b.c"
        );
    }

    #[test]
    fn code_spans_outlast_any_backticks() {
        assert_eq!(code("plain", 50), "`plain`");
        assert_eq!(code("a`b``c", 50), "```a`b``c```");
        assert_eq!(code("`", 50), "`` ` ``");
        assert_eq!(code("a|b", 50), "`a\\|b`");
        assert_eq!(code("", 50), "`  `");
    }

    #[test]
    fn blocks_cannot_be_closed_from_inside() {
        assert_eq!(block("x\n```\n# out", 50), "````sh\nx ``` # out\n````\n");
    }
}
