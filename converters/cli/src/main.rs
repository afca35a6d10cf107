//! The `redpoll` command.
//!
//! Exit codes: 0 ok, 1 usage (wrong arguments, data that does not fit the model), 2 model not supported, 3 accuracy
//! below the bound asked for, 4 a file cannot be read, written or is malformed, 5 internal error.
#![forbid(unsafe_code)]

#[macro_use]
mod output;

mod backend;
mod bench;
mod compare;
mod convert;
mod embed;
mod exit;
mod explain;
mod info;
mod inputs;
mod inspect;
mod listen;
mod load;
mod progress;
mod run;
mod see;
mod text;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    name = "redpoll",
    version,
    about = "Turns trained float models into verified int8 models and runs them",
    after_help = "\
Examples:
  redpoll convert model.onnx --calibrate samples.npz --evaluate test.npz -o out/
  redpoll inspect out/model.plan
  redpoll run out/model.plan --input test.npz -o result.npz --hash
  redpoll compare model.onnx out/model.plan --input test.npz --layers
  redpoll bench out/model.plan --threads 1 --json
  redpoll see models/fashion/sample.png --model models/fashion/fashion.onnx
  redpoll explain models/fashion/sample.png --model models/fashion/fashion.onnx -o why.png
  redpoll bench out/model.int8.onnx --against tract,ort
  redpoll listen talk.wav --task vad --model silero_vad_16k_op15.onnx

Exit codes: 0 ok, 1 usage, 2 model not supported (all gaps are listed), 3 accuracy below --max-drop,
4 a file cannot be read, written or is malformed, 5 internal error."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Convert(convert::Args),
    Inspect(inspect::Args),
    Run(run::Args),
    Compare(compare::Args),
    Bench(bench::Args),
    Info(info::Args),
    Listen(Box<listen::Args>),
    See(see::Args),
    Explain(explain::Args),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            // Help and version go to standard output and are no failure; clap's own code for errors is 2.
            let code = if e.use_stderr() { exit::USAGE } else { 0 };
            let _ = e.print();
            return ExitCode::from(code);
        }
    };
    let result = match cli.command {
        Command::Convert(args) => convert::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Info(args) => info::run(&args),
        Command::Listen(args) => listen::run(&args),
        Command::See(args) => see::run(&args),
        Command::Explain(args) => explain::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("redpoll: {e:#}");
            ExitCode::from(exit::code(&e))
        }
    }
}
