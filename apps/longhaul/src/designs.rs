//! Commands about design files: `init`, `check`, `rules`, `plan`, `explain`, `generate`, `schema`.

use std::fs;
use std::io::{IsTerminal as _, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use design::document::Value;
use design::plan::Plan;
use design::{Design, Files, Reports};
use serde_json::json;
use tunnel::PrivateKey;

use crate::args::{DesignFile, Format, SchemaOf};
use crate::output::{Ended, Failure, Outcome, note, print, result};

/// A design that was read without errors of form.
pub(crate) struct Loaded {
    /// The design.
    pub(crate) design: Design,
}

/// Files next to the design file.
struct Beside(PathBuf);

impl Files for Beside {
    fn text(&self, name: &str) -> Result<String, String> {
        read_text(&self.0.join(name)).map_err(|error| error.to_string())
    }
}

/// The file to use when none was named, if it is there.
const USUAL_NAME: &str = "design.yaml";

/// Reads the named design, else `design.yaml` here, else the built-in example. A design with
/// errors of form ends the command; its reports are the complaint.
pub(crate) fn load(file: &DesignFile) -> Result<Loaded, Failure> {
    match read(file)? {
        (Some(design), _) => Ok(Loaded { design }),
        (None, reports) => Err(Failure::usage(shown(&reports))),
    }
}

/// The same, with the reports about its form.
fn read(file: &DesignFile) -> Result<(Option<Design>, Reports), Failure> {
    let usual = Path::new(USUAL_NAME);
    let named = file.file.as_deref();
    let Some(path) = named.or_else(|| usual.exists().then_some(usual)) else {
        note("no design.yaml here: using the built-in example (examples/global.yaml)");
        let name = "examples/global.yaml";
        return Ok(design::read(name, design::EXAMPLE_GLOBAL, &design::NoFiles));
    };
    let text = read_text(path)
        .map_err(|error| Failure::usage(format!("error: {}: {error}", path.display())))?;
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    Ok(design::read(
        &path.display().to_string(),
        &text,
        &Beside(folder),
    ))
}

/// Longest file that is read, octets: far above any design, far below memory.
const FILE_MAX: u64 = 64 << 20;

/// The text of a file. One that does not end, such as a device, is refused.
fn read_text(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    fs::File::open(path)?
        .take(FILE_MAX + 1)
        .read_to_string(&mut text)?;
    if text.len() as u64 > FILE_MAX {
        return Err(std::io::ErrorKind::FileTooLarge.into());
    }
    Ok(text)
}

impl Loaded {
    /// The Plan with the given keys.
    pub(crate) fn plan(&self, public_key: &dyn Fn(&str) -> String) -> Result<Plan, Failure> {
        design::resolve(&self.design, public_key).map_err(|reports| Failure::usage(shown(&reports)))
    }

    /// The Plan with keys that follow from a master key.
    pub(crate) fn plan_with(&self, master: &[u8; 32]) -> Result<Plan, Failure> {
        self.plan(&|locator| PrivateKey::derive(master, locator).public_key().to_string())
    }
}

/// A design as a plain value. Its form is found wrong later, with all that follows from it.
pub(crate) fn value(path: &Path) -> Result<Value, Failure> {
    let text = read_text(path)
        .map_err(|error| Failure::usage(format!("error: {}: {error}", path.display())))?;
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let name = path.display().to_string();
    let (design, reports) = design::read(&name, &text, &Beside(folder));
    if design.is_none() {
        return Err(Failure::usage(shown(&reports)));
    }
    Value::parse(&name, &text).map_err(|reports| Failure::usage(shown(&reports)))
}

fn shown(reports: &Reports) -> String {
    let color = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    reports.render(color).trim_end().to_owned()
}

/// `init`.
pub(crate) fn init(file: &Path) -> Outcome {
    let mut options = fs::OpenOptions::new();
    let mut open = options
        .write(true)
        .create_new(true)
        .open(file)
        .map_err(|error| Failure::usage(format!("error: {}: {error}", file.display())))?;
    open.write_all(design::starter().as_bytes())?;
    note(&format!(
        "wrote {0}; next: longhaul check {0}",
        file.display()
    ));
    Ok(Ended::Clean)
}

/// What findings say of the program that found them.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The day by this machine's clock (UTC): waivers end.
fn today() -> Result<design::Date> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let since = since.context("this machine's clock is before 1970")?;
    Ok(design::Date::from_unix(since.as_secs()))
}

/// `check`.
pub(crate) fn check(format: Format, file: &DesignFile) -> Outcome {
    let (design, form) = read(file)?;
    let Some(design) = design else {
        match format {
            Format::Json => print(&format!("{:#}\n", form.to_json()))?,
            Format::Sarif => print(&format!("{:#}\n", form.to_sarif(VERSION)))?,
            Format::Text => Ended::Clean,
        };
        return Err(Failure::usage(shown(&form)));
    };
    let reports = design::check_on(&design, today()?);
    match format {
        Format::Json => print(&format!("{:#}\n", reports.to_json()))?,
        Format::Sarif => print(&format!("{:#}\n", reports.to_sarif(VERSION)))?,
        Format::Text if reports.is_empty() => {
            print(&format!("{}no findings\n", reports.render(false)))?
        }
        Format::Text => print(&format!(
            "{}\n",
            reports.render(std::io::stdout().is_terminal()).trim_end()
        ))?,
    };
    Ok(match reports.has_faults() {
        false => Ended::Clean,
        // As for a file of which that is seen at once.
        true if reports.has_malformed() => Ended::Code(2),
        true => Ended::Findings,
    })
}

/// `rules`.
pub(crate) fn rules(format: Format, only: Option<&str>) -> Outcome {
    let rules: Vec<&design::Rule> = design::rules()
        .iter()
        .filter(|rule| only.is_none_or(|id| id == rule.id))
        .copied()
        .collect();
    if rules.is_empty() {
        let ids: Vec<&str> = design::rules().iter().map(|rule| rule.id).collect();
        return Err(Failure::usage(format!(
            "error: no such rule; there are: {}",
            ids.join(" ")
        )));
    }
    let listed: Vec<_> = rules.iter().map(|rule| rule_json(rule)).collect();
    result(
        format,
        &json!({ "format_version": 1, "rules": listed }),
        |_| match (only, rules.as_slice()) {
            (Some(_), [rule]) => rule_page(rule),
            _ => {
                let mut table = crate::render::table(&["RULE", "SEVERITY", "WHAT"]);
                for rule in &rules {
                    table.add_row([rule.id, severity(rule.severity), rule.says]);
                }
                crate::render::text(&table)
            }
        },
    )
}

const fn severity(severity: design::Severity) -> &'static str {
    match severity {
        design::Severity::Note => "note",
        design::Severity::Warning => "warning",
        design::Severity::Error => "error",
    }
}

fn rule_json(rule: &design::Rule) -> serde_json::Value {
    json!({
        "id": rule.id,
        "severity": severity(rule.severity),
        "says": rule.says,
        "because": rule.because,
        "try_this": rule.try_this,
        "source": rule.source.document,
        "dated": rule.source.dated,
        "passing": rule.passing,
        "failing": rule.failing,
    })
}

fn rule_page(rule: &design::Rule) -> String {
    let indented = |text: &str| -> String {
        text.trim()
            .lines()
            .map(|line| format!("    {line}\n"))
            .collect()
    };
    format!(
        "{} ({})\n\n{}\n\nwhy:    {}\nfix:    {}\nsource: {}\n\npasses:\n\n{}\nfails:\n\n{}",
        rule.id,
        severity(rule.severity),
        rule.says,
        rule.because,
        rule.try_this,
        rule.source,
        indented(rule.passing),
        indented(rule.failing),
    )
}

/// `explain`.
pub(crate) fn explain(format: Format, file: &Path, value: &str) -> Outcome {
    let loaded = load(&DesignFile {
        file: Some(file.to_owned()),
    })?;
    let explained = design::explain(&loaded.design, value).map_err(|like| {
        let hint = if like.is_empty() {
            String::new()
        } else {
            format!("; is it {}?", like.join(", "))
        };
        Failure::usage(format!("error: the design has no value {value:?}{hint}"))
    })?;
    let values: Vec<_> = explained.iter().map(explanation_json).collect();
    result(
        format,
        &json!({ "format_version": 1, "values": values }),
        |_| explained.iter().map(|one| format!("{one}\n")).collect(),
    )
}

fn explanation_json(one: &design::Explanation) -> serde_json::Value {
    let origin = match &one.origin {
        design::Origin::Line { at, text } => json!({ "line": at, "text": text }),
        design::Origin::Default(why) => json!({ "default": why }),
        design::Origin::Derived(how) => json!({ "derived": how }),
    };
    json!({ "path": one.path, "value": one.value, "origin": origin })
}

/// `generate`.
pub(crate) fn generate(regions: usize, sites: usize, seed: u64) -> Outcome {
    let (regions_max, sites_max) = (design::regions_max(), design::SITES_MAX);
    if !(1..=regions_max).contains(&regions) || sites > sites_max {
        return Err(Failure::usage(format!(
            "error: a generated design has 1 to {regions_max} regions and at most {sites_max} sites"
        )));
    }
    print(&design::generate(regions, sites, seed))
}

/// `schema`.
pub(crate) fn schema(of: SchemaOf) -> Outcome {
    print(&match of {
        SchemaOf::Design => design::schema_text(),
        SchemaOf::Router => design::router_schema_text(),
    })
}

/// `plan`.
pub(crate) fn plan(format: Format, file: &DesignFile, output: &Path) -> Outcome {
    let loaded = load(file)?;
    let findings = design::check_on(&loaded.design, today()?);
    if !findings.is_empty() {
        note(&shown(&findings));
    }
    if findings.has_errors() {
        note("nothing was written");
        return Ok(Ended::Findings);
    }
    let keys = output.join("keys");
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&keys)
        .with_context(|| keys.display().to_string())?;
    let failed = std::cell::RefCell::new(None);
    let plan = loaded.plan(&|locator| match key(&keys, locator) {
        Ok(key) => key.public_key().to_string(),
        Err(error) => {
            failed.borrow_mut().get_or_insert(error);
            String::new()
        }
    })?;
    if let Some(error) = failed.into_inner() {
        return Err(error.into());
    }
    let mut files = Vec::new();
    for node in &plan.nodes {
        files.push(write(output, &node.name, &node.to_yaml())?);
    }
    for instance in &plan.route_servers {
        files.push(write(output, &instance.name, &instance.to_yaml())?);
    }
    for gateway in &plan.gateways {
        files.push(write(output, &gateway.name, &gateway.to_yaml())?);
    }
    for msee in &plan.msees {
        files.push(write(output, &msee.name, &msee.to_yaml())?);
    }
    for router in &plan.routers {
        files.push(write(output, &router.name, &router.config)?);
    }
    for host in &plan.hosts {
        files.push(write(output, &host.name, &host.to_yaml())?);
    }
    files.push(write(output, "fabric", &plan.fabric.to_yaml())?);
    let answer = json!({ "format_version": 1, "files": files });
    result(format, &answer, |_| {
        format!(
            "{} configuration files in {}, private keys in {}\n",
            files.len(),
            output.display(),
            keys.display()
        )
    })
}

fn write(folder: &Path, name: &str, text: &str) -> Result<String> {
    let path = folder.join(format!("{name}.yaml"));
    fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
    Ok(path.display().to_string())
}

/// The private key of a locator: the one in the folder, or a new one put there.
fn key(folder: &Path, locator: &str) -> Result<PrivateKey> {
    let path = driver::key_path(folder, locator);
    match fs::read_to_string(&path) {
        Ok(text) => PrivateKey::from_base64(text.trim())
            .map_err(|_| anyhow::anyhow!("{}: not 32 octets in base64", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = PrivateKey::from_bytes(driver::random_key()?);
            write_key(&path, &key)?;
            Ok(key)
        }
        Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
    }
}

fn write_key(path: &Path, key: &PrivateKey) -> Result<()> {
    let describe = || format!("writing {}", path.display());
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .with_context(describe)?;
    }
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(describe)?;
    writeln!(file, "{}", key.to_base64()).with_context(describe)
}
