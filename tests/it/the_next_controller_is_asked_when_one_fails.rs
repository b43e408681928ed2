//! Several controllers: the next one is asked where one does not answer, and the preferred one again when it is back.

use std::time::Instant;

use crate::support::companion::Companion;
use crate::support::fake_controller::{FakeController, FakeEstate, Fault, read_snapshot};
use crate::support::wait;

#[tokio::test]
async fn a_silent_controller_is_passed_over_and_preferred_again() {
    let estate = FakeEstate::new();
    let (first, second) =
        (FakeController::start(&estate, 5), FakeController::of(&estate, "corp.example.test", "dc2", 6, false));
    second.change(|model, _| model.invocation = 9);
    let companion = Companion::start(&estate.config(&[&first, &second], "poll = \"1s\"\nresync = \"10s\""));
    companion.wait_for_log("snapshot written", 1);
    assert_eq!((read_snapshot(&estate.snapshot()).data.accounts.len(), second.connections()), (5, 0));
    // It takes connections and answers nothing, as one that hangs does.
    first.set(Fault::Silent);
    let began = Instant::now();
    let accounts = || read_snapshot(&estate.snapshot()).data.accounts.len();
    wait("the second's accounts", || accounts() == 6).await;
    println!("a controller that hangs: the next one's accounts are there {:.1} s later", began.elapsed().as_secs_f64());
    first.set(Fault::None);
    let began = Instant::now();
    wait("the first's accounts", || read_snapshot(&estate.snapshot()).data.accounts.len() == 5).await;
    println!("back: it is asked again {:.1} s later (resync = 10s)", began.elapsed().as_secs_f64());
}

#[tokio::test]
async fn a_dead_controller_costs_nothing() {
    let estate = FakeEstate::new();
    let dead = FakeController::start(&estate, 5);
    let second = FakeController::of(&estate, "corp.example.test", "dc2", 6, false);
    let config = estate.config(&[&dead, &second], "");
    drop(dead);
    let companion = Companion::start(&config);
    companion.wait_for_log("snapshot written", 1);
    assert!(companion.log().contains("failure=unreachable"), "{}", companion.log());
    assert_eq!(read_snapshot(&estate.snapshot()).data.accounts.len(), 6);
}
