//! The one binary: reads the command line, starts the command, turns its end into an exit code.

mod args;
mod ask;
mod bench_command;
mod classes;
mod daemon;
mod designs;
mod lab_commands;
mod migration;
mod output;
mod platform;
mod progress;
mod render;
mod simulate;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use crate::args::{Command, Longhaul, Migrate};
use crate::output::{Failure, Outcome};

fn main() -> ExitCode {
    let arguments = Longhaul::parse();
    logging();
    match run(arguments) {
        Ok(ended) => ended.into(),
        Err(Failure::Usage(text)) => {
            output::note(&text);
            ExitCode::from(2)
        }
        Err(Failure::Runtime(error)) => {
            output::note(&format!("error: {error:#}"));
            ExitCode::from(3)
        }
    }
}

fn run(arguments: Longhaul) -> Outcome {
    let format = arguments.format;
    if format == args::Format::Sarif && !matches!(arguments.command, Command::Check(_)) {
        let says = "error: only findings are written as SARIF: longhaul check --format sarif";
        return Err(Failure::usage(says));
    }
    match arguments.command {
        Command::Init { file } => designs::init(&file),
        Command::Check(design) => designs::check(format, &design),
        Command::Rules { rule } => designs::rules(format, rule.as_deref()),
        Command::Plan { design, output } => designs::plan(format, &design, &output),
        Command::Explain { file, value } => designs::explain(format, &file, &value),
        Command::Classify(options) => classes::classify(format, &options),
        Command::Generate {
            regions,
            sites,
            seed,
        } => designs::generate(regions, sites, seed),
        Command::Migrate(Migrate::Plan(options)) => migration::plan(format, &options),
        Command::Migrate(Migrate::Run(options)) => migration::run::run(format, &options),
        Command::Bench(what) => bench_command::bench(format, &what),
        Command::Schema { of } => designs::schema(of),
        Command::Sim(options) => simulate::sim(format, &options),
        Command::Up(options) => lab_commands::up(format, &options),
        Command::Status(lab) => lab_commands::status(format, &lab),
        Command::Down(lab) => lab_commands::down(&lab),
        Command::Doctor => lab_commands::doctor(format),
        Command::Exec {
            lab,
            device,
            command,
        } => lab_commands::exec(&lab, &device, &command),
        Command::Show(options) => ask::show(format, &options),
        Command::Trace(options) => ask::trace(format, &options),
        Command::Fail(target) => ask::change(format, &target, ask::Change::Fail),
        Command::Heal(target) => ask::change(format, &target, ask::Change::Heal),
        Command::Completions { shell } => completions(shell),
        Command::Man => manual(),
        Command::Node(options) => daemon::node(options),
        Command::RouteServer(options) => daemon::route_server(options),
        Command::Gateway(options) => daemon::gateway(options),
        Command::Msee(options) => daemon::msee(options),
        Command::Router(options) => daemon::router(options),
        Command::CheckRouter { config } => daemon::check_router(&config),
        Command::Fabric(options) => daemon::fabric(options),
    }
}

/// Logs go to standard error; `LOG=debug` shows more.
fn logging() {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_env("LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}

fn completions(shell: clap_complete::Shell) -> Outcome {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Longhaul::command(), "longhaul", &mut text);
    output::print(&String::from_utf8_lossy(&text))
}

fn manual() -> Outcome {
    let mut page = Vec::new();
    clap_mangen::Man::new(Longhaul::command()).render(&mut page)?;
    output::print(&String::from_utf8_lossy(&page))
}
