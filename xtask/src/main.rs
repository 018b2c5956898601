//! The project's own commands: `cargo xtask test`, `check`, `fuzz`.

mod packages;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};

const HELP: &str = "\
cargo xtask COMMAND

  test [FILTER]   all tests, after getting the programs of others that they need
  check           formatting, lints and documents; no tests
  packages        only get the programs of others that the tests need
  fuzz TARGET     run one fuzz target with cargo-fuzz (needs a nightly toolchain)
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["test", filter @ ..] => test(filter),
        ["check"] => check(),
        ["packages"] => packages::install(),
        ["fuzz", target, rest @ ..] => fuzz(target, rest),
        ["help" | "--help" | "-h"] => {
            print(HELP);
            return ExitCode::SUCCESS;
        }
        _ => {
            complain(HELP);
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("error: {error:#}\n"));
            ExitCode::FAILURE
        }
    }
}

fn test(filter: &[&str]) -> Result<()> {
    packages::install()?;
    let mut arguments = vec!["test", "--workspace", "--no-fail-fast", "--"];
    arguments.extend(filter);
    cargo(&arguments)
}

fn check() -> Result<()> {
    cargo(&["fmt", "--all", "--check"])?;
    cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "--deny",
        "warnings",
    ])?;
    cargo(&["test", "--package", "xtask"])
}

fn fuzz(target: &str, rest: &[&str]) -> Result<()> {
    let mut arguments = vec!["fuzz", "run", "--fuzz-dir", "fuzz", target];
    arguments.extend(rest);
    cargo(&arguments)
}

fn cargo(arguments: &[&str]) -> Result<()> {
    run(Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(root()))
}

/// The checkout's top folder.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Runs a command and fails when it does.
fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start {command:?}"))?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}

fn print(text: &str) {
    print!("{text}");
}

fn complain(text: &str) {
    eprint!("{text}");
}
