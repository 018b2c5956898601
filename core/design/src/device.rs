//! Device configuration files: each part of the Plan as YAML, and back with its errors.

/// Checks a WireGuard key: 32 bytes in base64.
pub(crate) fn key(text: &str) -> Result<(), &'static str> {
    let body = text.strip_suffix('=').ok_or("it has 44 characters, the last of them =")?;
    if text.len() != 44 {
        return Err("it has 44 characters, the last of them =");
    }
    if !body.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/') {
        return Err("base64 has only letters, digits, + and /");
    }
    // 32 bytes leave two bits of the last digit unused, and these are zero.
    if !body.ends_with(|c| "AEIMQUYcgkosw048".contains(c)) {
        return Err("its last digit does not end a key of 32 bytes");
    }
    Ok(())
}
