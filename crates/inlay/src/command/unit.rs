//! The systemd user service that `inlay up --install` makes.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::command::up;
use crate::context::Context;
use crate::error::CommandError;
use crate::home::Home;

const NAME: &str = "inlay.service";

/// Writes the unit, and starts it now and at every login.
pub(crate) fn install(args: &up::Args, ctx: &Context) -> Result<(), CommandError> {
    let none = |why: String| {
        CommandError::failed(why)
            .hint("`inlay up --detach` starts it in the background without systemd")
            .hint("on another system, have its own service manager run `inlay up`")
    };
    let runs = Command::new("systemctl").args(["--user", "show-environment"]).stdin(Stdio::null()).output();
    match runs {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(none("there is no systemd on this machine".to_owned()));
        }
        Err(error) => return Err(none("systemctl cannot be run".to_owned()).because(error)),
        Ok(output) if !output.status.success() => {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(none(format!("systemd runs no services for this user: {said}")));
        }
        Ok(_) => {}
    }
    let user = ctx.user_home.as_ref().ok_or_else(|| CommandError::usage("there is no home directory"))?;
    let path = user.join(".config/systemd/user").join(NAME);
    let program = std::env::current_exe().map_err(|e| CommandError::failed("cannot find this program").because(e))?;
    let text = unit(&program, Home::new(ctx).root(), args);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|e| CommandError::file("make", folder, e))?;
    }
    fs::write(&path, text).map_err(|e| CommandError::file("write", &path, e))?;
    for step in [&["--user", "daemon-reload"][..], &["--user", "enable", "--now", NAME]] {
        let done = Command::new("systemctl").args(step).stdin(Stdio::null()).status();
        if !done.is_ok_and(|status| status.success()) {
            return Err(CommandError::failed(format!("`systemctl {}` failed", step.join(" ")))
                .hint(format!("the unit is {}; `journalctl --user -u inlay` has its log", path.display())));
        }
    }
    ctx.print(format_args!("{} is installed and started", path.display()))?;
    ctx.say("Next: `inlay status`. `loginctl enable-linger` lets it run also while nobody is logged in.");
    Ok(())
}

fn unit(program: &Path, home: &Path, args: &up::Args) -> String {
    let mut command = format!("{} --home {} up", quoted(program), quoted(home));
    if let Some(name) = &args.name {
        command.push_str(&format!(" --name {name}"));
    }
    if let Some(listen) = args.listen {
        command.push_str(&format!(" --listen {listen}"));
    }
    format!(
        "[Unit]\nDescription=inlay: selected portions of files in sync\nDocumentation=man:inlay(1)\n\n\
         [Service]\nType=exec\nExecStart={command}\nRestart=on-failure\nRestartSec=5\n\n\
         [Install]\nWantedBy=default.target\n"
    )
}

/// As systemd reads it (systemd.service(5), *Command lines*): in double quotes, with `%` and `$` doubled.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string().replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", text.replace('%', "%%").replace('$', "$$"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_quoted() {
        assert_eq!(quoted(Path::new("/a b/50%/$x")), "\"/a b/50%%/$$x\"");
    }
}
