//! Database servers refuse to run as root, and continuous integration often is nobody else.

use std::{path::Path, process::Command};

use tempfile::TempDir;

/// Whom Debian has for such things.
const USER: &str = "nobody";

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id");
    id.stdout == b"0\n"
}

/// A temporary folder that belongs to whoever [`command`] runs as.
pub(crate) fn folder() -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    if is_root() {
        let owned = Command::new("chown").arg(USER).arg(folder.path()).status();
        assert!(owned.is_ok_and(|status| status.success()), "chown {USER}");
    }
    folder
}

/// A program, run by an unprivileged user if this one is root. It has the pid of what is started.
pub(crate) fn command(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", USER, "--regid", "nogroup", "--clear-groups", "--"]).arg(program);
    command.current_dir("/").env("HOME", "/");
    command
}
