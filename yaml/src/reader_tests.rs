use super::*;

fn problems_of(text: &str) -> String {
    let problems = Problems::new("t.yaml");
    parse(text, &problems);
    problems.into_list().to_string()
}

fn tree(text: &str) -> Node {
    let problems = Problems::new("t.yaml");
    let node = parse(text, &problems);
    problems.finish(node).unwrap()
}

#[test]
fn positions_styles_and_shapes_survive() {
    let root = tree(
        "a: 1\nb:\n  - \"x\"\n  - { c: |-\n      y }\n"
            .replace("{ c: |-\n      y }", "c: z")
            .as_str(),
    );
    let NodeKind::Map(entries) = &root.kind else {
        panic!("not a map")
    };
    assert_eq!(entries[1].key, "b");
    assert_eq!(entries[1].key_position, Position { line: 2, column: 1 });
    let NodeKind::Seq(items) = &entries[1].value.kind else {
        panic!("not a list")
    };
    assert_eq!(items[0].position, Position { line: 3, column: 5 });
    assert!(
        matches!(&items[0].kind, NodeKind::Scalar(s) if s.style == Style::Quoted && s.text == "x")
    );
    assert!(matches!(&items[1].kind, NodeKind::Map(inner) if inner[0].key == "c"));
}

#[test]
fn every_structural_problem_is_reported_with_its_place() {
    let text = "a: &x 1\nb: *x\na: 2\nc: !!str 3\n? [k]\n: v\n";
    insta::assert_snapshot!(problems_of(text), @r"
    t.yaml:1:4: anchors (`&name`) are not supported; write the value out
    t.yaml:2:4: aliases (`*name`) are not supported; write the value out
    t.yaml:3:1: `a` is given twice; the first is on line 1
    t.yaml:4:4: tags (`!name`) are not supported; remove the tag
    t.yaml:5:3: a key must be plain text; quote values that hold `{` or `[`
    ");
}

#[test]
fn syntax_errors_name_line_and_column() {
    let texts = [
        "a: [1, 2\nb: 3\n",
        "a:\n\tb: 1\n",
        "a: 'open\n",
        "launch: { command: node s.js {port} }\n",
        "headers: { A: Bearer ${TOKEN} }\n",
        "a: 1\n---\nb: 2\n",
    ];
    let shown: Vec<String> = texts
        .iter()
        .map(|text| format!("{text}=> {}", problems_of(text)))
        .collect();
    insta::assert_snapshot!(shown.join("\n\n"));
}

#[test]
fn empty_and_oversized_files_are_refused() {
    assert_eq!(problems_of(""), "t.yaml: is empty: it holds no YAML value");
    assert_eq!(
        problems_of("# only a comment\n"),
        "t.yaml: is empty: it holds no YAML value"
    );
    let big = format!("a: {}", "x".repeat(FILE_BYTES_MAX));
    assert_eq!(
        problems_of(&big),
        "t.yaml: larger than 1024 KiB; is this the right file?"
    );
}

#[test]
fn depth_is_bounded() {
    let deep = "[".repeat(DEPTH_MAX + 1) + &"]".repeat(DEPTH_MAX + 1);
    assert_eq!(
        problems_of(&deep),
        "t.yaml:1:65: nested deeper than 64 levels"
    );
    let fine = "[".repeat(DEPTH_MAX) + &"]".repeat(DEPTH_MAX);
    assert_eq!(problems_of(&fine), "");
    // Deep block nesting must end in a report, not in an exhausted stack.
    let block = "- ".repeat(200_000);
    assert!(problems_of(&block).contains("nested deeper"));
}

#[test]
fn a_byte_order_mark_is_ignored() {
    let root = tree("\u{feff}a: 1\n");
    assert!(matches!(&root.kind, NodeKind::Map(entries) if entries[0].key == "a"));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "[ -~\t\n{}\\[\\]:&*!|>'\"#-]{0,200}") {
        let problems = Problems::new("t.yaml");
        let node = parse(&text, &problems);
        proptest::prop_assert!(node.is_some() || !problems.is_empty());
    }
}
