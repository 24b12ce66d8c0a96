//! The root documents claim that something exists; these tests look.

#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "test code")]

use std::{
    collections::BTreeSet,
    env,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_path_buf()
}

/// The files of the repository with this extension, without what was built.
fn files(extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
            if path.is_dir() && !name.starts_with('.') && name != "target" {
                folders.push(path);
            } else if path.extension() == Some(OsStr::new(extension)) {
                found.push(path);
            }
        }
    }
    found
}

/// What stands between backticks.
fn code(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// A promise whose test was renamed or removed is a promise that nobody keeps.
#[test]
fn what_security_names_exists() {
    let security = fs::read_to_string(root().join("SECURITY.md")).unwrap();
    let jwt = security_model("auth-jwt");
    let sources = sources();
    for (document, text, least) in [("SECURITY.md", &security, 50), ("auth-jwt/README.md", &jwt, 30)] {
        let rows = text.lines().filter(|line| line.starts_with("| "));
        let kept_by = |row: &'_ str| row.trim_end_matches('|').rsplit('|').next().unwrap().to_owned();
        let cells: Vec<_> = rows.map(kept_by).collect();
        let names: Vec<_> = cells.iter().flat_map(|cell| code(cell)).collect();
        let missing: Vec<_> = names.iter().filter(|name| !exists(name, &sources)).collect();
        assert!(names.len() > least, "the table of {document} was not read");
        assert!(missing.is_empty(), "{document} names what does not exist: {missing:#?}");
    }
}

/// The same for what the crates promise in their own words: tests, and files of tests, by name.
#[test]
fn what_the_security_models_of_the_crates_name_exists() {
    // Words of a protocol or of the language.
    const NO_TESTS: [&str; 3] = ["assertion", "none", "unsafe"];
    let sources = sources();
    for (crate_name, least) in [
        ("auth-core", 12),
        ("auth-credentials", 12),
        ("auth-rbac", 8),
        ("auth-session", 9),
        ("auth-sql", 8),
        ("auth-web", 8),
    ] {
        let text = security_model(crate_name);
        let a_name = |span: &&str| {
            let plain =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_/.".contains(&byte);
            let file = span.ends_with(".rs") || !span.contains(['.', '/']);
            file && span.bytes().all(plain) && !NO_TESTS.contains(span)
        };
        let named: BTreeSet<_> = code(&text).filter(a_name).collect();
        let a_test = |name: &str| match name.strip_suffix(".rs") {
            Some(_) if name.contains('/') => root().join(crate_name).join(name).exists(),
            Some(_) => {
                ["core", "web"].iter().any(|part| exists(&format!("tests/ui/fail/{part}/{name}"), &sources))
            }
            None => {
                exists(name, &sources) || root().join(format!("{crate_name}/tests/it/{name}.rs")).exists()
            }
        };
        let missing: Vec<_> = named.iter().filter(|name| !a_test(name)).collect();
        assert!(named.len() >= least, "the promises of {crate_name} were not read: {named:?}");
        assert!(missing.is_empty(), "{crate_name}/README.md names what does not exist: {missing:#?}");
    }
}

fn sources() -> String {
    files("rs").iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

/// What a crate's README says under that heading.
fn security_model(crate_name: &str) -> String {
    let readme = fs::read_to_string(root().join(crate_name).join("README.md")).unwrap();
    let section = readme.split_once("## Security model").unwrap().1;
    section.split("\n## ").next().unwrap().to_owned()
}

/// Whether there is a file, a type or a function of this name.
fn exists(name: &str, sources: &str) -> bool {
    if name.contains('/') {
        root().join(name).exists() && root().join(name).with_extension("stderr").exists()
    } else if name.contains("::") {
        name == "auth_core::conformance"
    } else if name.starts_with(char::is_uppercase) {
        ["struct", "enum", "trait"].iter().any(|kind| {
            sources.contains(&format!("pub {kind} {name}")) || sources.contains(&format!("    {name}, max: "))
        })
    } else {
        // A function, or a row of a macro that writes one.
        [format!("fn {name}("), format!("fn {name}<"), format!("    {name}: ")]
            .iter()
            .any(|definition| sources.contains(definition))
    }
}

/// What the documentation of items says a test shows: a name of four words and more is one.
#[test]
fn what_the_documentation_of_items_names_exists() {
    // Settings of databases.
    const NO_TESTS: [&str; 2] = ["idle_in_transaction_session_timeout", "innodb_lock_wait_timeout"];
    let sources = sources();
    let docs = sources.lines().map(str::trim_start).filter(|line| line.starts_with("//"));
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let a_name =
        |span: &&str| span.split('_').count() > 3 && span.bytes().all(plain) && !NO_TESTS.contains(span);
    let named: BTreeSet<_> = docs.flat_map(code).filter(a_name).collect();
    let functions: BTreeSet<_> =
        sources.split("fn ").filter_map(|rest| rest.split(['(', '<']).next()).collect();
    let missing: Vec<_> =
        named.iter().filter(|name| !functions.contains(*name) && !exists(name, &sources)).collect();
    assert!(named.len() > 100, "the documentation was not read: {}", named.len());
    assert!(missing.is_empty(), "comments name what does not exist: {missing:#?}");
}

/// A name in brackets is a link on every host, since its page is told at the foot of the document.
#[test]
fn names_in_brackets_are_links() {
    let sources = sources();
    let mut wrong = Vec::new();
    for path in files("md").into_iter().filter(|path| path.ends_with("README.md")) {
        let text = fs::read_to_string(&path).unwrap();
        let told = |name: &str| text.contains(&format!("\n[`{name}`]: https://docs.rs/"));
        for name in text.split("[`").skip(1).filter_map(|rest| rest.split_once("`]")) {
            let item = name.0.rsplit("::").next().unwrap().trim_end_matches('!');
            let link = name.1.starts_with('(') || told(name.0);
            if !link || !sources.contains(item) {
                wrong.push(format!("{}: {}", path.display(), name.0));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Links between the documents, which are read on many hosts.
#[test]
fn links_to_files_lead_somewhere() {
    let mut broken = Vec::new();
    for path in files("md") {
        let text = fs::read_to_string(&path).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap();
            let outside = ["http://", "https://", "mailto:"].iter().any(|scheme| file.starts_with(scheme));
            let rustdoc = file.contains("::") || !file.contains(['.', '/']);
            if !outside && !rustdoc && !path.parent().unwrap().join(file).exists() {
                broken.push(format!("{}: {target}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// The README states how many packages come with a crate, with the command that counts them; that of auth-jwt, how
/// many come with a feature of it.
#[test]
fn the_stated_numbers_of_dependencies_are_right() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for build in ["auth-core", "auth-jwt", "auth-web --features axum08", "auth-sql --features sqlite"] {
        let row = format!("| `{build}` | {} |", packages(build));
        assert!(readme.contains(&row), "README.md does not have the row {row}");
    }
    let readme = fs::read_to_string(root().join("auth-jwt/README.md")).unwrap();
    let [default, rsa, reqwest] =
        ["auth-jwt", "auth-jwt --features rsa", "auth-jwt --features reqwest"].map(packages);
    assert_eq!(rsa, default + 2);
    for stated in
        ["two packages more |".to_owned(), format!("takes the packages from {default} to {reqwest} |")]
    {
        assert!(readme.contains(&stated), "auth-jwt/README.md does not say {stated}");
    }
}

/// How many packages come with one, itself included.
fn packages(build: &str) -> usize {
    let tree = Command::new(env::var_os("CARGO").unwrap())
        .args(["tree", "--locked", "-e", "normal", "--prefix", "none", "--no-dedupe", "-p"])
        .args(build.split(' '))
        .current_dir(root())
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).unwrap();
    tree.lines().filter(|line| !line.is_empty()).collect::<BTreeSet<_>>().len()
}
