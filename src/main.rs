//! The program: arguments in, exit code out.

fn main() -> std::process::ExitCode {
    cmeksim::cli::main(std::env::args_os()).code().into()
}
