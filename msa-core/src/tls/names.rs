//! What a certificate that was verified already says of its owner.
//!
//! Of X.509 (RFC 5280) this reads the few fields that hold names; whether they are true, rustls has found out before.

/// A certificate's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    /// Its subject, such as `CN=ops,O=shop`; the first of its other names where that is empty.
    shown: String,
    /// Its common names, and its alternative names of hosts and URIs.
    all: Vec<String>,
}

/// So much of a name is shown.
const LONGEST: usize = 200;

impl Names {
    /// `None` when it is no certificate.
    pub(crate) fn of(certificate: &[u8]) -> Option<Self> {
        let mut signed = Der(certificate).inside(SEQUENCE)?;
        let mut fields = signed.inside(SEQUENCE)?;
        if fields.peek() == Some(VERSION) {
            fields.next()?;
        }
        // Serial number, algorithm, issuer, validity.
        for _ in 0..4 {
            fields.next()?;
        }
        let mut subject = fields.inside(SEQUENCE)?;
        fields.next()?; // the public key
        let (mut told, mut all) = (Vec::new(), Vec::new());
        while let Some(mut set) = subject.inside(SET) {
            while let Some(mut attribute) = set.inside(SEQUENCE) {
                let (Some((OID, id)), Some((kind, value))) = (attribute.next(), attribute.next())
                else {
                    continue;
                };
                let known = PARTS.iter().find(|(known, _)| *known == id);
                let text = std::str::from_utf8(value).ok();
                let text = text.filter(|_| TEXTS.contains(&kind));
                if let (Some((_, name)), Some(text)) = (known, text) {
                    told.push(format!("{name}={}", shown(text)));
                    if *name == "CN" {
                        all.push(text.to_owned());
                    }
                }
            }
        }
        while let Some((tag, value)) = fields.next() {
            if tag == EXTENSIONS {
                alternatives(value, &mut all);
            }
        }
        let shown = match told.is_empty() {
            false => told.join(","),
            true => all.first().map(|name| shown(name)).unwrap_or_default(),
        };
        Some(Self { shown, all })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.shown
    }

    /// Whether one of its names is among these; any are when there are none.
    pub(crate) fn are_among(&self, allowed: &[String]) -> bool {
        allowed.is_empty() || self.all.iter().any(|name| allowed.contains(name))
    }
}

/// Hosts and URIs of the extension `subjectAltName`.
fn alternatives(extensions: &[u8], all: &mut Vec<String>) {
    let Some(mut extensions) = Der(extensions).inside(SEQUENCE) else {
        return;
    };
    while let Some(mut extension) = extensions.inside(SEQUENCE) {
        if extension.next() != Some((OID, ALTERNATIVE)) {
            continue;
        }
        // Whether it is critical may stand between.
        while let Some((tag, value)) = extension.next() {
            let names = (tag == OCTETS).then(|| Der(value).inside(SEQUENCE));
            let Some(mut names) = names.flatten() else {
                continue;
            };
            while let Some((tag, name)) = names.next() {
                if let (HOST | URI, Ok(name)) = (tag, std::str::from_utf8(name)) {
                    all.push(name.to_owned());
                }
            }
        }
    }
}

fn shown(text: &str) -> String {
    let plain = text.chars().filter(|letter| !letter.is_control());
    plain.take(LONGEST).collect()
}

const OID: u8 = 0x06;
const OCTETS: u8 = 0x04;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
/// UTF8String, PrintableString, IA5String.
const TEXTS: [u8; 3] = [0x0c, 0x13, 0x16];
/// The fields of a certificate that have tags of their own.
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
/// Kinds of alternative names.
const HOST: u8 = 0x82;
const URI: u8 = 0x86;

/// 2.5.29.17
const ALTERNATIVE: &[u8] = &[0x55, 0x1d, 0x11];

/// Parts of a subject, by the ids below 2.5.4.
const PARTS: [(&[u8], &str); 4] = [
    (&[0x55, 0x04, 0x03], "CN"),
    (&[0x55, 0x04, 0x06], "C"),
    (&[0x55, 0x04, 0x0a], "O"),
    (&[0x55, 0x04, 0x0b], "OU"),
];

/// Values by DER (X.690), one after the other.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The next value and its tag; `None` at the end, and when it is none.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (len, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x83 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                let len = bytes
                    .iter()
                    .fold(0, |len, byte| len << 8 | usize::from(*byte));
                (len, rest)
            }
            _ => return None,
        };
        let (value, rest) = rest.split_at_checked(len)?;
        self.0 = rest;
        Some((tag, value))
    }

    /// What is inside of the next value, if it has this tag.
    fn inside(&mut self, tag: u8) -> Option<Self> {
        match self.next()? {
            (found, value) if found == tag => Some(Self(value)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(
        subject: &[(rcgen::DnType, &str)],
        alternatives: Vec<rcgen::SanType>,
    ) -> Vec<u8> {
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        for (kind, text) in subject {
            params.distinguished_name.push(kind.clone(), *text);
        }
        params.subject_alt_names = alternatives;
        let key = rcgen::KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    fn uri(text: &str) -> rcgen::SanType {
        rcgen::SanType::URI(text.try_into().unwrap())
    }

    #[test]
    fn a_certificate_is_shown_by_its_subject_and_known_by_all_its_names() {
        use rcgen::DnType::{CommonName, OrganizationName};

        let host = rcgen::SanType::DnsName("ops.shop.example".try_into().unwrap());
        let der = certificate(
            &[(CommonName, "ops\n"), (OrganizationName, "shop")],
            vec![host, uri("spiffe://shop/ops")],
        );
        let names = Names::of(&der).unwrap();
        assert_eq!(names.as_str(), "CN=ops,O=shop", "no line of its own");
        for (allowed, among) in [
            (vec![], true),
            (vec!["ops.shop.example"], true),
            (vec!["other", "spiffe://shop/ops"], true),
            (vec!["ops\n"], true),
            (vec!["ops", "shop"], false),
        ] {
            let list: Vec<_> = allowed.iter().map(|&name| name.to_owned()).collect();
            assert_eq!(names.are_among(&list), among, "{allowed:?}");
        }
        let nameless = Names::of(&certificate(&[], vec![uri("spiffe://shop/ops")])).unwrap();
        assert_eq!(nameless.as_str(), "spiffe://shop/ops");
    }

    #[test]
    fn what_is_cut_or_changed_anywhere_is_no_certificate_or_another_but_never_a_panic() {
        let der = certificate(&[(rcgen::DnType::CommonName, "ops")], vec![uri("a:b")]);
        for end in 0..der.len() {
            assert!(Names::of(&der[..end]).is_none(), "{end}");
        }
        for at in 0..der.len() {
            for value in [0x00, 0x30, 0x7f, 0x80, 0x84, 0xff] {
                let mut changed = der.clone();
                changed[at] = value;
                // Whatever comes of it, it comes to an end.
                drop(Names::of(&changed));
            }
        }
    }
}
