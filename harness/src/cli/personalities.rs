//! The personalities of our facilitator, for `list`.

use x402_mock_facilitator::personality;

use super::print;

/// One line each, or JSON.
pub(super) fn list(json: bool) -> String {
    let all = match personality::builtin() {
        Ok(all) => all,
        // A test of the files keeps this from happening.
        Err(problems) => {
            print::message(&format!("error: {problems}"));
            Vec::new()
        }
    };
    if json {
        return format!("{:#}\n", serde_json::json!(all));
    }
    let names = all.iter().map(|chosen| chosen.name.len());
    let width = names.max().unwrap_or_default();
    let mut text: String = all
        .iter()
        .map(|chosen| {
            let (name, about) = (&chosen.name, &chosen.about);
            format!(
                "{name:width$}  {about}\n{:width$}  measured: {}\n",
                "", chosen.measured
            )
        })
        .collect();
    text.push_str(&format!("{} personalities\n", all.len()));
    text
}
