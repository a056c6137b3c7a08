//! schemathesis, which nobody here wrote, reads the OpenAPI document and asks whatever it allows and forbids.

use super::server::Server;
use crate::support::{corpus, finish};
use std::fs;
use std::process::Command;

/// Cases of one operation in each phase.
const CASES: &str = "8";
/// A request may carry headers that nobody asked for.
const CONFIG: &str = "hooks = \"hooks.py\"
[[operations]]
include-operation-id = \"begin_upload\"
checks.negative_data_rejection.enabled = false
";
/// A piece of an upload is bytes.
const HOOKS: &str = "import schemathesis
schemathesis.serializer.alias('application/offset+octet-stream', 'application/octet-stream')
";

#[test]
fn the_document_holds_whatever_is_asked() {
    let Some(schemathesis) = shared::config::var("RIPIENO_TEST_SCHEMATHESIS") else {
        println!("skipped: no schemathesis (tests/run installs it)");
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let scores = home.path().join("scores");
    corpus(&scores, 3, 20);
    let server = Server::start_with(&home.path().join("data"), |command| {
        // Nobody is called: there is no name that leads anywhere.
        command.env("RIPIENO_CALLBACK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    });
    // The example of sources becomes one that is there, so that there are jobs to go on with.
    let document = server.get("/openapi.json").text();
    assert!(document.contains("\"/data/scores\""), "the example of sources is there");
    let document = document.replace("\"/data/scores\"", &format!("{:?}", scores.to_str().unwrap()));
    let path = home.path().join("openapi.json");
    fs::write(&path, document).unwrap();
    fs::write(home.path().join("schemathesis.toml"), CONFIG).unwrap();
    fs::write(home.path().join("hooks.py"), HOOKS).unwrap();
    let mut command = Command::new(schemathesis);
    command.arg("run").arg(&path).args(["--url", &server.url(), "--max-examples", CASES, "--seed", "1"]);
    // Not all that a request may mean is told by a schema: texts that are searched for, sources that are there.
    command.args(["--exclude-checks", "positive_data_acceptance", "--no-color"]).current_dir(home.path());
    let (code, text, errors) = finish(&mut command);
    assert_eq!(code, 0, "{text}{errors}");
    // `2463 generated, 2463 passed`
    let cases = text.lines().find_map(|line| line.trim().split_once(" generated, "));
    let (generated, passed) = cases.expect("it sums its cases up");
    assert!(passed == format!("{generated} passed") && generated.parse::<u32>().unwrap() > 500, "{text}");
}
