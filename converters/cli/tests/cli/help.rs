//! Help texts carry examples.

use crate::redpoll;

#[test]
fn every_help_has_examples() {
    let all = redpoll!("--help").ok();
    assert!(
        all.contains("Examples:") && all.contains("Exit codes:"),
        "{all}"
    );
    for command in [
        "convert", "inspect", "run", "compare", "bench", "info", "listen", "see", "explain",
    ] {
        assert!(all.contains(command));
        let help = redpoll!(command, "--help").ok();
        let example = format!("redpoll {command}");
        assert!(
            help.contains("Examples:") && help.contains(&example),
            "{help}"
        );
    }
    assert!(redpoll!("--version").ok().starts_with("redpoll "));
}
