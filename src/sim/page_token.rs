//! The token in a next link: opaque to the client, a place in the list to the service.

use std::fmt::Write as _;

use uuid::Uuid;

use super::chance::{mix, seed};

/// Where the next page of a tenant's users begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageToken {
    pub(crate) tenant: Uuid,
    pub(crate) at: u64,
    /// The number of the page, from 1.
    pub(crate) page: u32,
}

impl PageToken {
    pub(crate) fn first(tenant: Uuid) -> Self {
        Self { tenant, at: 0, page: 1 }
    }

    pub(crate) fn next(self, at: u64) -> Self {
        Self { at, page: self.page + 1, ..self }
    }

    fn bytes(self, query: &str) -> Vec<u8> {
        let (high, low) = self.tenant.as_u64_pair();
        let check = mix(high ^ low ^ seed(&[query]), self.at ^ (u64::from(self.page) << 40));
        // As in the tokens that one sees, the letters DSp come first.
        let mut bytes = b"DSp\0".to_vec();
        bytes.extend_from_slice(self.tenant.as_bytes());
        bytes.extend_from_slice(&self.at.to_be_bytes());
        bytes.extend_from_slice(&self.page.to_be_bytes());
        bytes.extend_from_slice(&check.to_be_bytes());
        bytes
    }

    /// The query of the next page: that of the first and `$skiptoken=X%27…%27`.
    pub(crate) fn write(self, query: &str) -> String {
        let mut out = format!("{query}&$skiptoken=X%27");
        for byte in self.bytes(query) {
            let _ = write!(out, "{byte:02X}");
        }
        out.push_str("%27");
        out
    }

    /// Out of the decoded `X'…'`. Whether it is the token of a query shows when that is written again.
    pub(crate) fn read(text: &str) -> Result<Self, ()> {
        let digits = text.strip_prefix("X'").and_then(|text| text.strip_suffix('\'')).ok_or(())?;
        if digits.len() != 80 || !digits.is_ascii() {
            return Err(());
        }
        let byte = |place: usize| u8::from_str_radix(&digits[place * 2..place * 2 + 2], 16).map_err(|_| ());
        let bytes: Vec<u8> = (0..40).map(byte).collect::<Result<_, _>>()?;
        let at = bytes[20..28].try_into().map(u64::from_be_bytes).map_err(|_| ())?;
        let page = bytes[28..32].try_into().map(u32::from_be_bytes).map_err(|_| ())?;
        Ok(Self { tenant: Uuid::from_slice(&bytes[4..20]).map_err(|_| ())?, at, page })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_another_query_has_another_token() {
        let token = PageToken { tenant: Uuid::from_u128(7), at: 999, page: 2 };
        let text = token.write("$top=9");
        let hidden = text.replace("%27", "'").replace("$top=9&$skiptoken=", "");
        assert_eq!(PageToken::read(&hidden), Ok(token));
        assert!(!token.write("$top=8").ends_with(&text["$top=9".len()..]));
        for text in ["", "X''", "999"] {
            assert_eq!(PageToken::read(text), Err(()));
        }
    }
}
