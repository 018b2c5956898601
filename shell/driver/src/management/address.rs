//! Where management may listen: where nobody from outside can come.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// Where management listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ManagementAddress {
    /// A Unix socket that only its owner may open: `unix:/run/longhaul/rs0.sock`.
    Unix(PathBuf),
    /// A loopback address: `127.0.0.1:8179`, `[::1]:8179`.
    Loopback(SocketAddr),
}

/// Why management does not listen there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManagementAddressError {
    /// It is neither.
    #[error(
        "management listens on unix:/path/of/a/socket or on a loopback address and a port, such as 127.0.0.1:8179"
    )]
    Form,
    /// Others would reach it.
    #[error(
        "{0} is not a loopback address: whoever reaches management may change everything, it asks nobody for a password and nothing is encrypted; take unix:/path or 127.0.0.1:port, and let ssh or a proxy that asks carry it further"
    )]
    NotLoopback(SocketAddr),
}

impl FromStr for ManagementAddress {
    type Err = ManagementAddressError;

    fn from_str(text: &str) -> Result<Self, ManagementAddressError> {
        if let Some(path) = text.strip_prefix("unix:") {
            let is_path = !path.is_empty() && !path.ends_with('/');
            return if is_path {
                Ok(Self::Unix(path.into()))
            } else {
                Err(ManagementAddressError::Form)
            };
        }
        let address: SocketAddr = text.parse().map_err(|_| ManagementAddressError::Form)?;
        if address.ip().is_loopback() {
            Ok(Self::Loopback(address))
        } else {
            Err(ManagementAddressError::NotLoopback(address))
        }
    }
}

impl fmt::Display for ManagementAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Loopback(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn management_listens_only_where_nobody_from_outside_comes() {
        for text in [
            "unix:/run/rs0.sock",
            "unix:rs0.sock",
            "127.0.0.1:80",
            "127.9.9.9:1",
            "[::1]:80",
        ] {
            let address: ManagementAddress = text.parse().expect(text);
            assert_eq!(address.to_string(), text);
        }
        for text in [
            "0.0.0.0:80",
            "10.0.0.4:80",
            "[::]:80",
            "[::ffff:127.0.0.1]:80",
        ] {
            let refused = text.parse::<ManagementAddress>().expect_err(text);
            assert!(refused.to_string().contains("loopback"), "{refused}");
        }
        for text in [
            "",
            "unix:",
            "unix:/run/",
            "/run/rs0.sock",
            "localhost:80",
            "127.0.0.1",
        ] {
            assert_eq!(
                text.parse::<ManagementAddress>(),
                Err(ManagementAddressError::Form)
            );
        }
    }
}
