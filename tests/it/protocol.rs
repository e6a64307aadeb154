//! docs/PROTOCOL.md is what the code speaks.

use queue_load::internals::measure::encoding::Distribution;
use queue_load::internals::scenario::{AXES, Capabilities};
use queue_load::internals::verdict::{faults, faults_for};
use queue_load::internals::worker::protocol::{Message, PROTOCOL_VERSION, Request};

const TEXT: &str = include_str!("../../docs/PROTOCOL.md");

/// The lines of the example conversation that go that way.
fn example(way: &str) -> Vec<&'static str> {
    TEXT.lines().filter_map(|line| line.strip_prefix(way)).collect()
}

#[test]
fn the_example_is_a_whole_repeat_that_is_believed() {
    let requests = example("→ ");
    let [request] = requests.as_slice() else { panic!("one request") };
    let request: Request = serde_json::from_str(request).unwrap();
    assert_eq!(request.protocol, PROTOCOL_VERSION);
    let said: Vec<Message> = example("← ").into_iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [Message::Hello(hello), Message::Started, Message::Progress(_), Message::Result(result)] = said.as_slice()
    else {
        panic!("hello, started, progress, result: {said:?}")
    };
    let can = hello.capabilities.as_ref().unwrap();
    assert_eq!(can.lacking_axis(&request.repeat.parameters, false), None);
    assert_eq!((hello.protocol, &hello.version), (PROTOCOL_VERSION, &result.queue_version));
    assert_eq!(faults(result), []);
    assert_eq!(faults_for(&request.repeat, result), []);
    assert_eq!(Distribution::decode(&result.latency.enqueue).unwrap().max_ns(), Some(20_827));
}

#[test]
fn the_error_of_the_text_is_one() {
    let error = TEXT.split('`').find(|piece| piece.starts_with("{\"error\":{\"kind\":\"not_built\"")).unwrap();
    assert!(matches!(serde_json::from_str(error).unwrap(), Message::Error(_)));
}

#[test]
fn every_axis_and_every_default_is_named() {
    let can = Capabilities::default();
    for axis in &AXES {
        let key =
            if TEXT.contains(&format!("`{}`", axis.name)) { axis.name.to_owned() } else { format!("{}_ns", axis.name) };
        assert!(TEXT.contains(&format!("`{key}`")), "{} is not explained", axis.name);
        if !axis.always_in_id {
            let default = format!("{} {}", axis.name, can.described(axis.name));
            assert!(TEXT.contains(&default), "`{default}` is not among the defaults");
        }
    }
}
