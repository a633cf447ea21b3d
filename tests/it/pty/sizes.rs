//! Any size, and any change of it.

use std::time::Duration;

use super::terminal::Terminal;
use super::{console, imported};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_size_is_drawn_whole() {
    let world = imported().await;
    let mut terminal = Terminal::run(console(&world), 80, 24);
    terminal.until("show: problems, 1 of 2");
    terminal.then("u/o", "filter /o");
    let sizes =
        [(60, 15), (59, 15), (60, 14), (1, 1), (2, 1), (1, 2), (1, 60), (300, 1), (300, 100), (20, 8), (120, 35)];
    for (width, height) in sizes.into_iter().chain([(80, 24)]) {
        terminal.resize(width, height);
        let resized = terminal.text();
        match (width, height) {
            (60.., 15..) => {
                assert!(resized.contains("filter /o"), "what was typed stays at {width}x{height}:\n{resized}");
                assert!(resized.contains("Woodgrove") && resized.contains("Contoso"), "{width}x{height}:\n{resized}");
            }
            (20.., 3..) => {
                let told = resized.split_whitespace().collect::<Vec<_>>().join(" ");
                assert_eq!(told, format!("window {width}x{height}, needs 60x15. Resize, or q to leave."));
            }
            (_, _) => {}
        }
        // Whatever the sizes before: what the terminal shows is what a frame of nothing but this picture shows.
        let before = terminal.bytes();
        terminal.press("\x0c");
        if (width, height) >= (60, 15) && height >= 15 {
            terminal.wait("drawn again", |terminal| terminal.frames(before) > 0);
            terminal.quiet(Duration::from_millis(50));
            assert_eq!(terminal.text(), resized, "at {width}x{height}");
        }
    }
    terminal.then("\x1b", "show: all, 2 of 2");
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(Duration::from_secs(5)), 0);
    terminal.assert_restored();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_without_a_size_is_drawn_as_a_usual_one() {
    let world = imported().await;
    let mut terminal = Terminal::run(console(&world), 0, 0);
    terminal.shown().screen.screen_mut().set_size(24.try_into().unwrap(), 80.try_into().unwrap());
    terminal.press("\x0c");
    terminal.until("show: problems, 1 of 2");
    terminal.resize(120, 35);
    terminal.until("show: problems, 1 of 2");
    terminal.press("q");
    assert_eq!(terminal.exit_code(Duration::from_secs(5)), 0);
}
