//! The README's walk with curl, as it stands there.

#[path = "story/server.rs"]
#[allow(dead_code, reason = "the story uses the rest")]
mod server;

use std::{
    fmt::Write as _,
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use server::Server;

/// Stands in for what takes another program or time: `cargo run` of this repository, the second in which a role comes to
/// count, and the moment in which mail is written.
const PREAMBLE: &str = r#"
set -u
cargo() {
    [ "$1 $2 $3 $4" = "run -p quickstart --" ] || exit 1
    shift 4
    "$QUICKSTART" "$@" || exit 1
    [ "$1" = grant ] || return 0
    curl --silent --output /dev/null --cookie-jar waiting --header "Origin: $site" --data-urlencode "email=$2" \
        --data-urlencode "password=$password" "$site/login"
    for try in $(seq 200); do
        [ "$(curl --silent --output /dev/null --write-out '%{http_code}' --cookie waiting "$site/admin")" != 200 ] || return 0
        sleep 0.1
    done
    exit 1
}
sed() {
    [ "${*: -1}" = quickstart.mail ] || { command sed "$@"; return; }
    for try in $(seq 200); do
        command sed "$@" | grep . && return 0
        sleep 0.1
    done
    exit 1
}
"#;

/// The blocks of shell that stand under a heading.
fn blocks(heading: &str) -> Vec<String> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let section = readme.split_once(heading).unwrap().1;
    let section = section.split("\n## ").next().unwrap();
    section.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

/// Runs lines of bash and answers what each of them wrote.
fn run(server: &Server, lines: &[&str]) -> Vec<String> {
    const MARK: &str = "-- end of the line --";
    let mut script = PREAMBLE.to_owned();
    for line in lines {
        writeln!(script, "{line}\nprintf '\\n{MARK}'").unwrap();
    }
    let mut bash = Command::new("bash")
        .current_dir(server.path(""))
        .env("QUICKSTART", env!("CARGO_BIN_EXE_quickstart"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = bash.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(script.as_bytes()).unwrap());
    let output = bash.wait_with_output().unwrap();
    writer.join().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    text.split(MARK).map(str::to_owned).collect()
}

fn status(output: &str) -> Option<u16> {
    let line = output.lines().find(|line| line.starts_with("HTTP/1.1 "))?;
    line.split(' ').nth(1)?.trim().parse().ok()
}

/// The status that the comment at the end of a line promises.
fn promised(line: &str) -> Option<u16> {
    line.rsplit_once("# ")?.1.get(..3)?.parse().ok()
}

#[test]
fn the_walk_with_curl_goes_as_the_readme_says() {
    let server = Server::start();
    let blocks = blocks("## A walk with curl");
    assert_eq!(blocks.len(), 3, "the walk in two parts, and how to set a password");
    let walk = blocks[..2].concat().replace("http://127.0.0.1:3000", &server.url);
    let lines: Vec<_> = walk.lines().collect();
    let answers = run(&server, &lines);
    let mut seen = Vec::new();
    for (line, answer) in lines.iter().zip(&answers) {
        let asks = ["page ", "api ", "curl "].iter().any(|command| line.starts_with(command));
        assert_eq!(status(answer), promised(line), "{line}\n{answer}");
        assert_eq!(asks, promised(line).is_some(), "each request says what it is answered: {line}");
        seen.extend(promised(line));
    }
    let first = [
        200, 303, 200, 403, 303, 303, 200, 200, 303, 201, 200, 200, 401, 403, 200, 401, 401, 204, 204, 303,
        401,
    ];
    let second = [200, 200, 410, 303, 200, 303, 303, 401, 401, 303, 200, 202, 200, 403, 303, 401];
    assert_eq!(seen, [&first[..], &second].concat());

    let set = format!("site={}\n{}", server.url, blocks[2]);
    let said = run(&server, &set.lines().collect::<Vec<_>>()).concat();
    assert!(said.contains("ann@example.com has a new password; "), "{said}");
    let body = "email=ann@example.com&password=lanterns+over+the+harbour".to_owned();
    let login = server.post("/login", &[("origin", &server.url)], body);
    assert_eq!(login.header("location"), Some("/login/code"), "her device is still asked for");
}
