//! The commands of the terminal.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use auth_core::Action;
use auth_rbac::{Engine, Policy, document::PolicyDocument};
use clap::{Args, Parser};

use crate::{
    batch, bench, coverage, graph, lint,
    request::{Form, Question},
    values,
};

pub(crate) type Failure = Box<dyn std::error::Error>;

/// Policies at the terminal.
#[derive(Debug, Parser)]
#[command(name = "authz", version)]
pub(crate) enum Command {
    /// Decides one request: exit code 0 if it is allowed, 1 if it is denied.
    Check(One),
    /// Decides one request and tells why, for the eyes of administrators.
    Explain {
        #[command(flatten)]
        one: One,
        /// Tells the values of the attributes that rules have compared as well, which may be secret.
        #[arg(long)]
        values: bool,
    },
    /// Looks for what has no effect, or none that was meant: exit code 1 if there is more than notes.
    Lint(PolicyPath),
    /// Runs the tests of a policy and says which of its rules none of them has exercised.
    Test {
        #[command(flatten)]
        policy: PolicyPath,
        /// A file in TOML: `[[tests]]` with `name`, `expect` and `request`, and a part of the `reason`, which an
        /// expected error must have.
        tests: PathBuf,
        /// Fails below this share of rules, in percent.
        #[arg(long, default_value_t = 0)]
        min_coverage: u8,
    },
    /// Draws the roles.
    Graph {
        #[command(flatten)]
        policy: PolicyPath,
        /// For whom.
        #[arg(long, value_enum, default_value = "mermaid")]
        format: graph::Format,
    },
    /// Measures the requests on standard input, one a line as in `batch`.
    Bench {
        #[command(flatten)]
        policy: PolicyPath,
        /// For how long.
        #[arg(long, default_value_t = 3)]
        seconds: u64,
    },
    /// Answers the requests on standard input, one a line.
    Batch(PolicyPath),
}

/// Which policy.
#[derive(Debug, Args)]
pub(crate) struct PolicyPath {
    /// The policy, in TOML, or in JSON if its name ends in `.json`.
    #[arg(long)]
    policy: PathBuf,
}

/// One request: in parts, or as a whole.
#[derive(Debug, Args)]
pub(crate) struct One {
    #[command(flatten)]
    policy: PolicyPath,
    /// The request as JSON, as in `batch`, in place of the other arguments.
    #[arg(long, conflicts_with_all = ["principal", "action", "kind", "id", "tenant"])]
    request: Option<String>,
    /// The id of a local user.
    #[arg(long, required_unless_present = "request")]
    principal: Option<String>,
    /// What is to be done.
    #[arg(long, required_unless_present = "request")]
    action: Option<Action>,
    /// The kind of resource.
    #[arg(long, required_unless_present = "request")]
    kind: Option<String>,
    /// Which one of the kind.
    #[arg(long)]
    id: Option<String>,
    /// Whose it is, such as `local:acme`.
    #[arg(long)]
    tenant: Option<String>,
}

impl Command {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        match self {
            Self::Check(one) => {
                let (policy, question) = one.load()?;
                let answer = question.ask(&policy)?;
                println!("{}: {}", answer.decision, answer.reason);
                Ok(code(answer.decision == "allow"))
            }
            Self::Explain { one, values } => {
                let (policy, question) = one.load()?;
                let answer = question.ask(&policy)?;
                println!("{}: {}", answer.decision, answer.reason);
                let explanation = question.with(|request| policy.explain(request))?;
                println!("{explanation}");
                if values {
                    values::lines(&explanation).iter().for_each(|line| println!("{line}"));
                }
                Ok(code(answer.decision == "allow"))
            }
            Self::Lint(file) => {
                let findings = lint::findings(&file.document()?);
                findings.iter().for_each(|finding| println!("{finding}"));
                Ok(code(findings.iter().all(|finding| lint::is_note(finding))))
            }
            Self::Test { policy, tests, min_coverage } => {
                let document = policy.document()?;
                let report = coverage::run(&document, &document.compile()?, &contents(&tests)?)?;
                print!("{report}");
                Ok(code(report.passed() && report.percent() >= min_coverage))
            }
            Self::Graph { policy, format } => {
                print!("{}", graph::draw(&policy.document()?, format));
                Ok(ExitCode::SUCCESS)
            }
            Self::Bench { policy, seconds } => {
                bench::run(&policy.load()?, io::stdin().lock(), Duration::from_secs(seconds))?;
                Ok(ExitCode::SUCCESS)
            }
            Self::Batch(file) => {
                let input = BufReader::with_capacity(1 << 16, io::stdin().lock());
                batch::run(&file.load()?, input, io::stdout().lock())?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

impl PolicyPath {
    fn document(&self) -> Result<PolicyDocument, Failure> {
        let text = contents(&self.policy)?;
        let is_json = self.policy.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        let document =
            if is_json { PolicyDocument::from_json(&text) } else { PolicyDocument::from_toml(&text) };
        document.map_err(|error| format!("{}: {error}", self.policy.display()).into())
    }

    fn load(&self) -> Result<Policy, Failure> {
        Ok(self.document()?.compile()?)
    }
}

impl One {
    fn load(self) -> Result<(Policy, Question), Failure> {
        let policy = self.policy.load()?;
        let form = match (self.request, self.principal, self.action, self.kind) {
            (Some(request), ..) => serde_json::from_str::<Form>(&request)?,
            (None, Some(principal), Some(action), Some(kind)) => {
                let resource = [("kind", Some(kind)), ("id", self.id), ("tenant", self.tenant)];
                let given = resource.into_iter().filter_map(|(key, value)| Some((key, value?)));
                Form::simple(principal, action, given)
            }
            _ => return Err("there is no request".into()),
        };
        let question = form.question(&policy)?;
        Ok((policy, question))
    }
}

fn contents(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let most = (PolicyDocument::MAX_LEN as u64).saturating_add(1);
    let read = File::open(path).and_then(|file| file.take(most).read_to_string(&mut text));
    match read {
        Ok(_) => Ok(text),
        Err(error) => Err(format!("{}: {error}", path.display()).into()),
    }
}

fn code(good: bool) -> ExitCode {
    if good { ExitCode::SUCCESS } else { ExitCode::from(1) }
}
