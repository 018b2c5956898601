//! Reading configuration files and private keys.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};

use design::ConfigError;
use design::plan::RouterConfig;
use tunnel::PrivateKey;

use crate::Error;

/// What group and others may do with a file.
const OTHERS: u32 = 0o077;
/// Octets that a file with a private key has at most: the key in base64 and some white space.
const KEY_FILE_MAX: u64 = 64;

/// Reads a device's configuration file with `parse`, which is `from_yaml` of the device's kind.
///
/// # Errors
///
/// The file cannot be read, or does not fit; the reason names the line.
pub(crate) fn read_config<T>(
    path: &Path,
    parse: impl FnOnce(&str) -> Result<T, ConfigError>,
) -> Result<T, Error> {
    parse(&read(path)?).map_err(|error| Error::Content {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}

/// Reads a router's file.
///
/// # Errors
///
/// The file cannot be read, or does not fit; the reason has all that is wrong with it.
pub(crate) fn read_router(path: &Path) -> Result<RouterConfig, Error> {
    let (config, reports) = design::read_router(&path.display().to_string(), &read(path)?);
    config.ok_or_else(|| Error::Reports {
        path: path.to_owned(),
        reports,
    })
}

/// Where in a directory of keys the private key of a locator is: `nva1.westeurope/azure` has
/// `nva1.westeurope/azure.key`.
#[must_use]
pub fn key_path(directory: &Path, locator: &str) -> PathBuf {
    directory.join(format!("{locator}.key"))
}

/// Draws a key that nobody can guess, to derive all others of a network from.
///
/// # Errors
///
/// The system has no source of randomness.
pub fn random_key() -> io::Result<[u8; 32]> {
    let mut key = [0; 32];
    linux::random(&mut key)?;
    Ok(key)
}

/// Reads the password that a locator's proxy asks for: `cpe1.paris/internet` has it in the first line of
/// `cpe1.paris/internet.proxy`, beside its key.
pub(crate) fn read_proxy_password(directory: &Path, locator: &str) -> Result<String, Error> {
    let path = directory.join(format!("{locator}.proxy"));
    stays_inside(&path, locator)?;
    let octets = read_secret(&path, KEY_FILE_MAX)?;
    let text = String::from_utf8(octets).unwrap_or_default();
    match text.lines().next() {
        Some(password) if !password.is_empty() => Ok(password.to_owned()),
        Some(_) | None => Err(Error::Content {
            path,
            reason: "line 1: no password".to_owned(),
        }),
    }
}

/// Whether a locator's name leads to a file in the directory of keys.
fn stays_inside(path: &Path, locator: &str) -> Result<(), Error> {
    let mut parts = Path::new(locator).components();
    if parts.all(|part| matches!(part, Component::Normal(_))) {
        return Ok(());
    }
    Err(Error::Content {
        path: path.to_owned(),
        reason: "the locator's name leads out of the directory of keys".to_owned(),
    })
}

/// Reads the private key of a locator: one line of base64, as `wg genkey` writes it.
pub(crate) fn read_key(directory: &Path, locator: &str) -> Result<PrivateKey, Error> {
    let path = key_path(directory, locator);
    stays_inside(&path, locator)?;
    let octets = read_secret(&path, KEY_FILE_MAX)?;
    let text = std::str::from_utf8(&octets).unwrap_or_default();
    PrivateKey::from_base64(text.trim()).map_err(|_| Error::Content {
        path,
        reason: "line 1: not 32 octets in base64".to_owned(),
    })
}

/// The first `most` octets of a file that nobody but its owner can read.
///
/// # Errors
///
/// The file cannot be read, or others can; the reason says what to do.
pub(crate) fn read_secret(path: &Path, most: u64) -> Result<Vec<u8>, Error> {
    let unreadable = |cause| Error::File {
        path: path.to_owned(),
        cause,
    };
    let file = File::open(path).map_err(unreadable)?;
    let mode = file.metadata().map_err(unreadable)?.permissions().mode();
    if mode & OTHERS != 0 {
        return Err(Error::Content {
            path: path.to_owned(),
            reason: format!(
                "others than its owner can read this key (mode {:04o}): chmod 600 it",
                mode & 0o7777
            ),
        });
    }
    let mut octets = Vec::new();
    file.take(most)
        .read_to_end(&mut octets)
        .map_err(unreadable)?;
    Ok(octets)
}

/// The text of a file.
pub(crate) fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|cause| Error::File {
        path: path.to_owned(),
        cause,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::read_key;

    #[test]
    fn a_locator_cannot_lead_out_of_the_directory_of_keys() {
        let directory = std::env::temp_dir();
        for locator in ["../passwd", "/etc/passwd", "a/../../b"] {
            let error = read_key(&directory, locator).expect_err("refused");
            assert!(error.to_string().contains("leads out"), "{error}");
        }
    }

    #[test]
    fn a_damaged_key_is_refused_with_its_line_and_without_its_content() {
        let said = refusal("damaged", 0o600);
        assert!(said.contains("azure.key: line 1"), "{said}");
    }

    #[test]
    fn a_key_that_others_can_read_is_refused_with_what_to_do() {
        for mode in [0o640, 0o604, 0o622] {
            let said = refusal("open", mode);
            let asked = format!("(mode {mode:04o}): chmod 600 it");
            assert!(
                said.contains("azure.key: ") && said.contains(&asked),
                "{said}"
            );
        }
    }

    /// What is said of a key file with bad content and this mode.
    fn refusal(name: &str, mode: u32) -> String {
        let directory = format!("keys-{name}-{mode}-{}", std::process::id());
        let directory = std::env::temp_dir().join(directory);
        fs::create_dir_all(directory.join("nva1.westeurope")).expect("a directory");
        let path = super::key_path(&directory, "nva1.westeurope/azure");
        fs::write(&path, "c2VjcmV0\n").expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("its owner");
        let error = read_key(&directory, "nva1.westeurope/azure").expect_err("refused");
        fs::remove_dir_all(&directory).expect("removed");
        let said = error.to_string();
        assert!(!said.contains("c2VjcmV0"), "{said}");
        said
    }
}
