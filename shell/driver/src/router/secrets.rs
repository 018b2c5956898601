//! Keys that a router's file names: each in a file that only its owner can read.

use std::path::Path;

use bgp::Secret;
use design::plan::RouterConfig;

use crate::Error;
use crate::config::read_secret;

/// Longest key that TCP takes, octets (RFC 2385 section 4.5 and the kernel).
const KEY_MAX: usize = linux::protect::KEY_MAX;

/// Reads the keys and puts them into the settings. Paths are relative to the router's file.
pub(super) fn add(config: &mut RouterConfig, file: &Path) -> Result<(), Error> {
    let folder = file.parent().unwrap_or(Path::new(""));
    for (id, auth) in std::mem::take(&mut config.auth) {
        let key = read(&folder.join(&auth.file))?;
        if let Some(neighbor) = config.settings.neighbors.get_mut(id.index()) {
            neighbor.auth = Some(auth.with(key));
        }
        config.auth.push((id, auth));
    }
    Ok(())
}

fn read(path: &Path) -> Result<Secret, Error> {
    let refused = |reason: &str| Error::Content {
        path: path.to_owned(),
        reason: reason.to_owned(),
    };
    // Room for one octet too many and the end of the line.
    let mut octets = read_secret(path, KEY_MAX as u64 + 3)?;
    let end = octets.iter().rposition(|octet| !b"\r\n".contains(octet));
    octets.truncate(end.map_or(0, |last| last + 1));
    let key = Secret::new(octets);
    match key.octets().len() {
        1..=KEY_MAX => Ok(key),
        0 => Err(refused("the key is empty")),
        _ => Err(refused("the key has more than 80 octets")),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::PathBuf;

    use super::read;

    fn file(name: &str, content: &str, mode: u32) -> PathBuf {
        let path = std::env::temp_dir().join(format!("key-{name}-{}", std::process::id()));
        fs::write(&path, content).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("its owner");
        path
    }

    #[test]
    fn a_key_is_the_line_without_its_end() {
        let path = file("line", "hush hush\r\n", 0o600);
        assert_eq!(read(&path).expect("a key").octets(), b"hush hush");
        fs::remove_file(path).expect("it is there");
    }

    #[test]
    fn a_key_that_others_can_read_is_refused_without_a_word_of_it() {
        for (name, content, mode, reason) in [
            ("open", "hush", 0o644, "chmod 600"),
            ("empty", "\n", 0o600, "empty"),
            ("long", &"hush".repeat(21), 0o600, "80 octets"),
        ] {
            let path = file(name, content, mode);
            let said = read(&path).expect_err("refused").to_string();
            fs::remove_file(path).expect("it is there");
            assert!(said.contains(reason) && !said.contains("hush"), "{said}");
        }
    }
}
