//! One form for steps and expectations: the bare word `release`, and `release:` without a value, become `release: {}`.

use crate::config::yaml::{Entry, Node, NodeKind};

/// Rewrites the items of `steps` and `expect`.
pub(super) fn normalise(root: &mut Node) {
    let NodeKind::Map(entries) = &mut root.kind else {
        return;
    };
    let lists = entries
        .iter_mut()
        .filter(|entry| matches!(entry.key.as_str(), "steps" | "expect"));
    for entry in lists {
        if let NodeKind::Seq(items) = &mut entry.value.kind {
            items.iter_mut().for_each(normalise_item);
        }
    }
}

fn normalise_item(item: &mut Node) {
    let position = item.position;
    let empty = Node {
        kind: NodeKind::Map(Vec::new()),
        position,
    };
    match &mut item.kind {
        NodeKind::Scalar(scalar) if !scalar.is_null() && !scalar.is_number() => {
            item.kind = NodeKind::Map(vec![Entry {
                key: std::mem::take(&mut scalar.text),
                key_position: position,
                value: empty,
            }]);
        }
        NodeKind::Map(entries) => {
            for entry in entries {
                let null =
                    matches!(&entry.value.kind, NodeKind::Scalar(scalar) if scalar.is_null());
                if null && !matches!(entry.key.as_str(), "grade" | "why") {
                    entry.value.kind = NodeKind::Map(Vec::new());
                    entry.value.position = entry.key_position;
                }
            }
        }
        NodeKind::Scalar(_) | NodeKind::Seq(_) => {}
    }
}
