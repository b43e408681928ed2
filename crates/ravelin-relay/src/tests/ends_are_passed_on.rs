//! The table of endings, as the two peers see it.

use super::net::{End, Kind, Outside, start};
use super::{LIMITS, label, pattern};

/// Who does something.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Actor {
    Client,
    Server,
}

/// What it does after its last words.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Act {
    /// The mark of the end, if it has one, and FIN.
    CleanEnd,
    /// FIN alone.
    BareFin,
    Garbage,
    Reset,
}

#[tokio::test]
async fn each_end_is_passed_on_as_the_table_says() {
    use Act::{BareFin, CleanEnd, Garbage, Reset};
    use Kind::{Plain, Toy};
    // What the actor is and does; what the other side sees, what the actor sees, and the report.
    for (actor_is, act, other_sees, actor_sees, told) in [
        (Toy, CleanEnd, End::Clean, Some(End::Clean), "closed"),
        (Plain, CleanEnd, End::Clean, Some(End::Clean), "closed"),
        (Plain, BareFin, End::Clean, Some(End::Clean), "closed"),
        (Toy, BareFin, End::Reset, Some(End::Reset), "cut"),
        (Toy, Garbage, End::Reset, Some(End::Alert), "failed"),
        (Toy, Reset, End::Reset, None, "failed"),
        (Plain, Reset, End::Reset, None, "failed"),
    ] {
        for other_is in [Plain, Toy] {
            for actor in [Actor::Client, Actor::Server] {
                let case = format!("{actor:?} is {actor_is:?} and does {act:?}; the other is {other_is:?}");
                let (client, server) = if actor == Actor::Client { (actor_is, other_is) } else { (other_is, actor_is) };
                let (mut client, mut server, tunnel) = start(client, server, LIMITS).await;
                both_ways_work(&mut client, &mut server).await;
                let (actor_outside, other_outside, prefix) = match actor {
                    Actor::Client => (client, server, "client"),
                    Actor::Server => (server, client, "server"),
                };
                let said = play(&case, actor_outside, other_outside, act, other_sees, actor_sees).await;
                let report = tunnel.report().await;
                assert_eq!(label(&report.end), format!("{prefix}_{told}"), "{case}");
                let counted = match actor {
                    Actor::Client => report.to_server_bytes - QUESTION as u64,
                    Actor::Server => report.to_client_bytes - ANSWER as u64,
                };
                match said {
                    Said::All => assert_eq!(counted, LAST_WORDS as u64, "{case}: the count is exact"),
                    Said::AtMost => assert!(counted <= LAST_WORDS as u64, "{case}: {counted}"),
                }
            }
        }
    }
}

async fn both_ways_work(client: &mut Outside, server: &mut Outside) {
    let (question, answer) = (pattern(1, QUESTION), pattern(2, ANSWER));
    client.send(&question).await;
    assert_eq!(server.receive(question.len()).await, question);
    server.send(&answer).await;
    assert_eq!(client.receive(answer.len()).await, answer);
}

/// How many of the last words must have been handed over.
enum Said {
    All,
    AtMost,
}

async fn play(
    case: &str,
    mut actor: Outside,
    mut other: Outside,
    act: Act,
    other_sees: End,
    actor_sees: Option<End>,
) -> Said {
    let (last_words, last_answer) = (pattern(3, LAST_WORDS), pattern(4, 300_000));
    let answer = last_answer.clone();
    let other = tokio::spawn(async move {
        let (heard, end) = other.receive_all().await;
        if end == End::Clean {
            other.send(&answer).await; // Half-closed: the way back is open.
            other.end().await;
        }
        (heard, end, other)
    });
    actor.send(&last_words).await;
    let seen = match act {
        Act::CleanEnd => {
            actor.end().await;
            Some(actor.receive_all().await)
        }
        Act::BareFin => {
            actor.fin().await;
            Some(actor.receive_all().await)
        }
        Act::Garbage => {
            actor.send_raw(&[255; 64]).await;
            Some(actor.receive_all().await)
        }
        Act::Reset => {
            actor.reset();
            None
        }
    };
    let (heard, end, _other) = other.await.expect("no panic");
    assert_eq!(end, other_sees, "{case}: the other side");
    assert_eq!(seen.as_ref().map(|(_, end)| *end), actor_sees, "{case}: the actor");
    assert!(last_words.starts_with(&heard), "{case}: never other bytes");
    if end == End::Clean {
        let (seen, _) = seen.expect("the actor is there");
        assert_eq!(seen, last_answer, "{case}: the answer after the half-close");
    }
    if end == End::Clean || act == Act::BareFin {
        assert_eq!(heard.len(), last_words.len(), "{case}: all bytes came before the end");
        return Said::All;
    }
    Said::AtMost
}

const QUESTION: usize = 2_000;
const ANSWER: usize = 3_000;
const LAST_WORDS: usize = 300_000;
