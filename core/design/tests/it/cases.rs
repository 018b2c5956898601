//! Broken designs with the reports they get: `cases/design/<name>/{design.yaml, report.txt}`.
//! `UPDATE=1` rewrites the reports. Tables that a design names stand beside it.

#![expect(clippy::disallowed_methods, reason = "cases are files")]

use std::path::Path;

use design::Files;

struct Folder<'a>(&'a Path);

impl Files for Folder<'_> {
    fn text(&self, name: &str) -> Result<String, String> {
        std::fs::read_to_string(self.0.join(name)).map_err(|_| "no such file".to_owned())
    }
}

fn report(folder: &Path) -> String {
    let text = std::fs::read_to_string(folder.join("design.yaml")).expect("a case has a design");
    let (design, reports) = design::read("design.yaml", &text, &Folder(folder));
    let reports = match design {
        Some(design) => reports.and(design::check(&design)),
        None => reports,
    };
    let json = reports.to_json();
    assert_eq!(
        json["reports"].as_array().map(Vec::len),
        Some(reports.len())
    );
    reports.render(false)
}

#[test]
fn every_broken_design_gets_its_report() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cases/design");
    let entries = std::fs::read_dir(&root).expect("the folder of cases");
    let mut folders: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    folders.sort();
    assert!(
        folders.len() >= 20,
        "there are only {} cases",
        folders.len()
    );
    let mut wrong = Vec::new();
    for folder in folders {
        let report = report(&folder);
        let file = folder.join("report.txt");
        if std::env::var("UPDATE").is_ok() {
            std::fs::write(&file, &report).expect("a report can be written");
        }
        let expected = std::fs::read_to_string(&file).unwrap_or_default();
        if report != expected {
            wrong.push(format!(
                "{}\nexpected:\n{expected}\nfound:\n{report}",
                folder.display()
            ));
        }
        assert!(!report.is_empty(), "{} is not broken", folder.display());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
