//! Parser events → span tree, iteratively and within bounds.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span};

use super::{Entry, Node, NodeKind, Position, Problems, Scalar, Style};

/// A larger file is refused (1 MiB).
pub const FILE_BYTES_MAX: usize = 1 << 20;
/// Lists and maps nested deeper than this are refused.
pub const DEPTH_MAX: usize = 64;

/// Reads one YAML document. `None` when there is no usable tree; the reason is in `problems`.
pub fn parse(text: &str, problems: &Problems) -> Option<Node> {
    if text.len() > FILE_BYTES_MAX {
        problems.of_file(format!(
            "larger than {} KiB; is this the right file?",
            FILE_BYTES_MAX >> 10
        ));
        return None;
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder = Builder {
        problems,
        frames: Vec::new(),
        root: None,
        documents: 0,
    };
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        match event {
            Ok((event, span)) => {
                if !builder.event(event, span) {
                    return None;
                }
            }
            Err(error) => {
                report_syntax(text, &error, problems);
                return None;
            }
        }
    }
    if builder.root.is_none() {
        problems.of_file("is empty: it holds no YAML value");
    }
    builder.root
}

/// A list or map that is still open.
struct Frame {
    position: Position,
    open: Open,
}

enum Open {
    Seq(Vec<Node>),
    Map {
        entries: Vec<Entry>,
        seen: HashMap<String, usize>,
        key: Key,
    },
}

/// What a map waits for: a key, or the value of a key.
enum Key {
    Awaited,
    Read(String, Position),
    /// The key was not text; its value is read and thrown away.
    Refused,
}

struct Builder<'p> {
    problems: &'p Problems,
    frames: Vec<Frame>,
    root: Option<Node>,
    documents: usize,
}

impl Builder<'_> {
    /// Takes one event; false stops the reading.
    fn event(&mut self, event: Event<'_>, span: Span) -> bool {
        let position = position(span.start);
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    self.problems
                        .at(position, "a second document starts here; a file holds one");
                    return false;
                }
            }
            Event::Alias(_) => {
                self.problems.at(
                    position,
                    "aliases (`*name`) are not supported; write the value out",
                );
                self.attach(scalar(String::new(), Style::Plain, position));
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_decoration(position, anchor, tag.is_some());
                let style = match style {
                    ScalarStyle::Plain => Style::Plain,
                    ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Style::Quoted,
                    ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
                };
                self.attach(scalar(text.into_owned(), style, position));
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_decoration(position, anchor, tag.is_some());
                return self.open(position, Open::Seq(Vec::new()));
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_decoration(position, anchor, tag.is_some());
                let seen = HashMap::new();
                return self.open(
                    position,
                    Open::Map {
                        entries: Vec::new(),
                        seen,
                        key: Key::Awaited,
                    },
                );
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        true
    }

    fn refuse_decoration(&self, position: Position, anchor: usize, tagged: bool) {
        if anchor != 0 {
            self.problems.at(
                position,
                "anchors (`&name`) are not supported; write the value out",
            );
        }
        if tagged {
            self.problems
                .at(position, "tags (`!name`) are not supported; remove the tag");
        }
    }

    fn open(&mut self, position: Position, open: Open) -> bool {
        if self.frames.len() >= DEPTH_MAX {
            self.problems
                .at(position, format!("nested deeper than {DEPTH_MAX} levels"));
            return false;
        }
        self.frames.push(Frame { position, open });
        true
    }

    fn close(&mut self) {
        let Some(Frame { position, open }) = self.frames.pop() else {
            return;
        };
        let kind = match open {
            Open::Seq(items) => NodeKind::Seq(items),
            Open::Map { entries, .. } => NodeKind::Map(entries),
        };
        self.attach(Node { kind, position });
    }

    /// Puts a finished value where it belongs: root, list item, key or value.
    fn attach(&mut self, node: Node) {
        let Some(frame) = self.frames.last_mut() else {
            self.root = Some(node);
            return;
        };
        match &mut frame.open {
            Open::Seq(items) => items.push(node),
            Open::Map { entries, seen, key } => match std::mem::replace(key, Key::Awaited) {
                Key::Awaited => *key = read_key(node, self.problems),
                Key::Refused => {}
                Key::Read(text, at) => {
                    if let Some(&line) = seen.get(&text) {
                        self.problems.at(
                            at,
                            format!("`{text}` is given twice; the first is on line {line}"),
                        );
                        return;
                    }
                    seen.insert(text.clone(), at.line);
                    entries.push(Entry {
                        key: text,
                        key_position: at,
                        value: node,
                    });
                }
            },
        }
    }
}

fn read_key(node: Node, problems: &Problems) -> Key {
    match node.kind {
        NodeKind::Scalar(scalar) => Key::Read(scalar.text, node.position),
        NodeKind::Seq(_) | NodeKind::Map(_) => {
            let hint = "a key must be plain text; quote values that hold `{` or `[`";
            problems.at(node.position, hint);
            Key::Refused
        }
    }
}

fn scalar(text: String, style: Style, position: Position) -> Node {
    Node {
        kind: NodeKind::Scalar(Scalar {
            text,
            style,
            expanded: false,
        }),
        position,
    }
}

fn position(marker: Marker) -> Position {
    Position {
        line: marker.line().max(1),
        column: marker.col() + 1,
    }
}

/// Reports the parser's error in words a profile's author can use.
fn report_syntax(text: &str, error: &ScanError, problems: &Problems) {
    let at = position(*error.marker());
    let lines = || {
        text.lines()
            .enumerate()
            .take(at.line)
            .skip(at.line.saturating_sub(2))
    };
    let tab = lines().find_map(|(index, line)| {
        let indent = line.len() - line.trim_start().len();
        line[..indent].find('\t').map(|column| Position {
            line: index + 1,
            column: column + 1,
        })
    });
    if let Some(tab) = tab {
        problems.at(tab, "a tab cannot indent YAML; use spaces");
        return;
    }
    let braces = lines().any(|(_, line)| line.contains("${") || line.contains("{port}"));
    let hint = if braces {
        "; inside `{ }`, quote a value that holds braces"
    } else {
        ""
    };
    problems.at(at, format!("not valid YAML: {}{hint}", error.info()));
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
