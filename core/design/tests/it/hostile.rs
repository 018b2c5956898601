//! Hostile and damaged input costs little and never panics.

use design::{EXAMPLE_GLOBAL, NoFiles};
use proptest::prelude::*;

fn first_error(text: &str) -> String {
    let (design, reports) = design::read("design.yaml", text, &NoFiles);
    assert!(design.is_none());
    reports.iter().next().expect("a report").says.clone()
}

#[test]
fn deep_nesting_is_refused() {
    // The parser has a limit of its own, which flow collections without an end meet first.
    for text in [
        "[".repeat(100_000),
        "{a: ".repeat(100_000),
        "- ".repeat(100_000),
    ] {
        let says = first_error(&text);
        assert!(
            says.contains("nested") || says.contains("depth") || says.contains("limit"),
            "{says}"
        );
    }
}

#[test]
fn aliases_that_multiply_are_refused() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..20 {
        let before = format!("*a{}", level - 1);
        let items = vec![before; 10].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{items}]\n"));
    }
    assert!(first_error(&text).contains("aliases included"));
    assert!(!first_error("a: &a [*a]").is_empty());
}

fn everything(text: &str) {
    let (design, reports) = design::read("design.yaml", text, &NoFiles);
    let _ = (reports.render(false), reports.to_json());
    let Some(design) = design else { return };
    let _ = design::check(&design).render(false);
    let _ = design::resolve(&design, &|name| name.to_owned());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_damaged_design_never_panics(
        at in 0..EXAMPLE_GLOBAL.len(),
        len in 0..40usize,
        with in "[ -~\n]{0,8}",
    ) {
        let mut text = EXAMPLE_GLOBAL.to_owned();
        let end = (at + len).min(text.len());
        text.replace_range(at..end, &with);
        everything(&text);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC*") {
        everything(&text);
    }
}
