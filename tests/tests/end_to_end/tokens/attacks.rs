//! Tokens that must be refused. The numbers are the classes of attacks.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use end_to_end::Forge;
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

const GOOD: &str = r#"{"alg":"ES256","typ":"at+jwt","kid":"local-1"}"#;

/// The order of P-256.
pub(super) const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
    0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

pub(super) fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn unsigned(header: &str, claims: &Value) -> String {
    format!("{}.{}", encoded(header), encoded(claims.to_string()))
}

/// `left − right`, both big-endian.
pub(super) fn difference(left: &[u8; 32], right: &[u8]) -> [u8; 32] {
    let (mut result, mut borrow) = ([0; 32], 0i16);
    for index in (0..32).rev() {
        let digit = i16::from(left[index]) - i16::from(right[index]) - borrow;
        borrow = i16::from(digit < 0);
        result[index] = u8::try_from(digit.rem_euclid(256)).unwrap();
    }
    result
}

/// The key of an attacker.
struct Attacker(EcdsaKeyPair);

impl Attacker {
    fn new() -> Self {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        Self(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.as_ref(), &random).unwrap())
    }

    fn sign(&self, header: &str, claims: &Value) -> String {
        let message = unsigned(header, claims);
        let signature = self.0.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", encoded(signature))
    }
}

fn hs256(header: &str, claims: &Value, secret: &[u8]) -> String {
    let message = unsigned(header, claims);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
    format!("{message}.{}", encoded(tag))
}

/// A named token that must be refused.
pub(super) type Attack = (String, String);

/// 1, 2, 9: no signature, or a signature of something else.
pub(super) fn unsigned_attacks(token: &str, claims: &Value, attacks: &mut Vec<Attack>) {
    let signature = token.rsplit('.').next().unwrap();
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        let message = unsigned(&format!(r#"{{"alg":"{alg}","typ":"at+jwt","kid":"local-1"}}"#), claims);
        for (name, end) in [("dot", "."), ("no dot", ""), ("signature", &format!(".{signature}"))] {
            attacks.push((format!("1 alg {alg:?}, {name}"), format!("{message}{end}")));
        }
    }
    let mut admin = claims.clone();
    admin["role"] = json!("admin");
    attacks.push(("2 edited payload".to_owned(), format!("{}.{signature}", unsigned(GOOD, &admin))));
    admin["sid"] = json!("ses_01ARZ3NDEKTSV4RRFFQ69G5FAV");
    attacks.push(("17 edited login".to_owned(), format!("{}.{signature}", unsigned(GOOD, &admin))));
    for length in [0, 1, 32, 63, 64, 65, 128] {
        attacks.push((format!("9 {length} zero bytes"), format!("{}.{}", unsigned(GOOD, claims), encoded(vec![0; length]))));
    }
}

/// 3, 4, 8: another algorithm, with the public key or a guess as its secret.
pub(super) fn confusion_attacks(forge: &Forge, claims: &Value, attacks: &mut Vec<Attack>) {
    let point = forge.public_point();
    let spki = shared_utils::auth::spki_from_point(point);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n{}\n-----END PUBLIC KEY-----", &spki[..64], &spki[64..]);
    let jwk = json!({"kty": "EC", "crv": "P-256", "x": encoded(&point[1..33]), "y": encoded(&point[33..])}).to_string();
    let mut secrets: Vec<Vec<u8>> = [pem.clone(), format!("{pem}\n"), spki.clone(), jwk].map(String::into_bytes).into();
    secrets.extend([point.to_vec(), point[1..].to_vec(), STANDARD.decode(&spki).unwrap(), vec![], vec![0], vec![0; 32]]);
    secrets.extend(["secret", "password", "changeme", "your-256-bit-secret", "local-1", "mylg-api"].map(|guess| guess.as_bytes().to_vec()));
    for alg in ["HS256", "HS384", "HS512", "RS256", "PS256", "ES384", "ES512", "EdDSA", "ES256K", "es256", "ES256 "] {
        let header = format!(r#"{{"alg":"{alg}","typ":"at+jwt","kid":"local-1"}}"#);
        for (index, secret) in secrets.iter().enumerate().take(if alg == "HS256" { usize::MAX } else { 2 }) {
            attacks.push((format!("3, 8 {alg} with secret {index}"), hs256(&header, claims, secret)));
        }
        // 4: a signature as if by a key that was recovered from other signatures.
        attacks.push((format!("4 {alg} with 256 bytes"), format!("{}.{}", unsigned(&header, claims), encoded(vec![7; 256]))));
    }
    attacks.push(("3 our algorithm with a tag".to_owned(), hs256(GOOD, claims, pem.as_bytes())));
}

/// 5, 6, 7, 12, 19: headers that name their own key, location or rule.
pub(super) async fn header_attacks(forge: &Forge, claims: &Value, attacks: &mut Vec<Attack>) {
    let attacker = Attacker::new();
    let point = attacker.0.public_key().as_ref();
    let jwk = json!({"kty": "EC", "crv": "P-256", "x": encoded(&point[1..33]), "y": encoded(&point[33..]), "kid": "local-1"});
    let members = [
        format!(r#""jwk":{jwk}"#),
        r#""jku":"https://evil.test/jwks.json""#.to_owned(),
        r#""x5u":"https://evil.test/cert.pem""#.to_owned(),
        r#""x5c":["MIIB"]"#.to_owned(),
        r#""crit":["exp"]"#.to_owned(),
        r#""crit":["b64"],"b64":false"#.to_owned(),
        r#""zip":"DEF""#.to_owned(),
        r#""p2c":2147483647,"p2s":"AAAA""#.to_owned(),
        r#""cty":"JWT""#.to_owned(),
        r#""kid":"local-1""#.to_owned(),
    ];
    for member in members {
        let header = format!(r#"{{"alg":"ES256","typ":"at+jwt","kid":"local-1",{member}}}"#);
        attacks.push((format!("5, 6, 12 {member} by another key"), attacker.sign(&header, claims)));
        attacks.push((format!("5, 6, 12 {member} by ours"), forge.sign_text(&header, &claims.to_string()).await));
    }
    let kids = ["", "local-2", "../../../../dev/null", "/dev/null", "' OR 1=1 --", "$(id)", "local-1\\u0000", "LOCAL-1", "test-1"];
    for kid in kids {
        let header = format!(r#"{{"alg":"ES256","typ":"at+jwt","kid":"{kid}"}}"#);
        attacks.push((format!("7, 19 kid {kid:?} by another key"), attacker.sign(&header, claims)));
        attacks.push((format!("7, 19 kid {kid:?} by ours"), forge.sign_text(&header, &claims.to_string()).await));
        attacks.push((format!("7 kid {kid:?} with an empty secret"), hs256(&header.replace("ES256", "HS256"), claims, b"")));
    }
    for header in [
        r#"{"alg":"ES256","typ":"at+jwt","kid":7}"#,
        r#"{"alg":"ES256","typ":"at+jwt"}"#,
        r#"{"alg":"ES256","kid":"local-1"}"#,
        "7",
        "null",
        "[]",
        "",
    ] {
        attacks.push((format!("7 header {header}"), forge.sign_text(header, &claims.to_string()).await));
    }
    // The values in the order in which the verifier reads them, without their names.
    attacks.push(("7 a header that is an array".to_owned(), forge.sign_text(r#"["ES256","at+jwt","local-1"]"#, &claims.to_string()).await));
    let names = ["iss", "aud", "sub", "sid", "role", "ver", "pnd", "iat", "nbf", "exp", "jti"];
    for pnd in [Value::Null, json!(true)] {
        let values: Vec<Value> = names
            .iter()
            .map(|name| match *name {
                "pnd" => pnd.clone(),
                "nbf" => claims["iat"].clone(),
                name => claims[name].clone(),
            })
            .collect();
        attacks.push((format!("15 claims that are an array, pnd {pnd}"), forge.sign_text(GOOD, &json!(values).to_string()).await));
    }
    for name in ["pnd", "nbf"] {
        let mut claims = claims.clone();
        claims[name] = Value::Null;
        attacks.push((format!("15 {name} null"), forge.sign_text(GOOD, &claims.to_string()).await));
    }
    attacks.push(("2 signed by another key".to_owned(), attacker.sign(GOOD, claims)));
}

/// 10, 11: signatures that prove nothing, and valid signatures in other encodings.
pub(super) fn signature_attacks(token: &str, claims: &Value, attacks: &mut Vec<Attack>) {
    let message = unsigned(GOOD, claims);
    let one = difference(&ORDER, &difference(&ORDER, &[&[0; 31][..], &[1]].concat()));
    let edges = [("0", [0; 32]), ("1", one), ("n−1", difference(&ORDER, &one)), ("n", ORDER), ("2^256−1", [0xff; 32])];
    for (r_name, r) in &edges {
        for (s_name, s) in &edges {
            attacks.push((format!("10 r = {r_name}, s = {s_name}"), format!("{message}.{}", encoded([r.as_slice(), s].concat()))));
        }
    }
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, payload) = signed.split_once('.').unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    // The last of 86 characters carries two bits. The other four must be zero.
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = alphabet.find(&signature[85..]).unwrap();
    let loose = format!("{}{}", &signature[..85], &alphabet[last + 1..=last + 1]);
    let der = [&[0x30, 0x44, 0x02, 0x20], &bytes[..32], &[0x02, 0x20], &bytes[32..]].concat();
    for (name, signature) in [
        ("unused bits", loose),
        ("padding", format!("{signature}==")),
        ("one more character", format!("{signature}A")),
        ("one less", signature[..85].to_owned()),
        ("a space inside", format!("{} {}", &signature[..40], &signature[40..])),
        ("the standard alphabet", STANDARD.encode([0xff; 64])),
        ("DER", encoded(der)),
        ("r and s swapped", encoded([&bytes[32..], &bytes[..32]].concat())),
        ("a leading zero", encoded([&[0], bytes.as_slice()].concat())),
        (
            "hexadecimal",
            bytes.iter().fold(String::new(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            }),
        ),
    ] {
        attacks.push((format!("11 {name}"), format!("{signed}.{signature}")));
    }
    // 13: other numbers of parts, other serializations.
    for (name, text) in [
        ("one part", header.to_owned()),
        ("two parts", signed.to_owned()),
        ("four parts", format!("{token}.")),
        ("four parts with content", format!("{token}.{signature}")),
        ("a leading dot", format!(".{token}")),
        ("an empty header", format!(".{payload}.{signature}")),
        ("an empty payload", format!("{header}..{signature}")),
        ("dots alone", "..".to_owned()),
        ("five parts, as JWE has", format!("{header}.{payload}.{signature}.{payload}.{signature}")),
        ("a padded payload", format!("{header}.{payload}=.{signature}")),
        ("JSON, flattened", json!({"payload": payload, "protected": header, "signature": signature}).to_string()),
        ("JSON, general", json!({"payload": payload, "signatures": [{"protected": header, "signature": signature}]}).to_string()),
        ("twice", format!("{token}{token}")),
        ("cut", token[..token.len() / 2].to_owned()),
    ] {
        attacks.push((format!("13 {name}"), text));
    }
}

/// 14 to 17, 20: correctly signed tokens with invalid claims.
pub(super) async fn claim_attacks(forge: &Forge, claims: &Value, attacks: &mut Vec<Attack>) {
    let now = claims["iat"].as_i64().unwrap();
    let edits = [
        json!({"iss": "https://other.mylg.test"}),
        json!({"iss": null}),
        json!({"iss": ["https://local.mylg.test"]}),
        json!({"aud": "other"}),
        json!({"aud": ["mylg-api", "other"]}),
        json!({"aud": null}),
        json!({"sub": null}),
        json!({"sub": 7}),
        json!({"sub": "usr_x"}),
        json!({"sub": {"$gt": ""}}),
        json!({"sid": null}),
        json!({"role": "root"}),
        json!({"role": ["admin"]}),
        json!({"ver": -1}),
        json!({"ver": 1.5}),
        json!({"ver": "1"}),
        json!({"pnd": false}),
        json!({"pnd": "no"}),
        json!({"jti": null}),
        json!({"exp": null}),
        json!({"exp": "9999999999"}),
        json!({"exp": 1e300}),
        json!({"exp": -1}),
        json!({"exp": 1_900_000_000.5}),
        json!({"exp": now + 100_000}),
        json!({"exp": 1u64 << 41, "iat": (1u64 << 41) - 10}),
        json!({"nbf": now + 3_600}),
        json!({"nbf": "now"}),
        json!({"iat": now + 3_600, "exp": now + 3_700}),
        json!({"iat": null}),
    ];
    for change in edits {
        let mut changed = claims.clone();
        for (name, value) in change.as_object().unwrap() {
            if value.is_null() {
                changed.as_object_mut().unwrap().remove(name);
            } else {
                changed[name] = value.clone();
            }
        }
        attacks.push((format!("14, 15, 17 {change}"), forge.sign(&changed).await));
    }
}

/// 14, 16, 20: correctly signed tokens with another type, or with a payload that is not one JSON object of unique members.
pub(super) async fn payload_attacks(forge: &Forge, claims: &Value, attacks: &mut Vec<Attack>) {
    for typ in ["JWT", "at+JWT", "application/at+jwt", "rt+jwt", ""] {
        let header = format!(r#"{{"alg":"ES256","typ":"{typ}","kid":"local-1"}}"#);
        attacks.push((format!("14 typ {typ:?}"), forge.sign_text(&header, &claims.to_string()).await));
    }
    let text = claims.to_string();
    let twice = |member: &str| text.replacen('{', &format!("{{{member},"), 1);
    let deep = format!("{}\"x\":{}{}", text.replacen('}', ",", 1), "[".repeat(500), "]".repeat(500)) + "}";
    for (name, payload) in [
        ("a claim twice", twice(r#""role":"admin""#)),
        ("exp twice", twice(r#""exp":9999999999"#)),
        ("a byte order mark", format!("\u{feff}{text}")),
        ("a NUL", format!("{text}\0")),
        ("trailing text", format!("{text}{text}")),
        ("an array", format!("[{text}]")),
        ("a text", json!(text).to_string()),
        ("nothing", String::new()),
        ("deep nesting", deep),
    ] {
        attacks.push((format!("16 {name}"), forge.sign_text(GOOD, &payload).await));
    }
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    attacks.push(("16 UTF-16".to_owned(), forge.sign_text(GOOD, &String::from_utf8_lossy(&utf16)).await));
    let mut large = claims.clone();
    large["pad"] = json!("x".repeat(6_500));
    attacks.push(("20 more than 8 KB".to_owned(), forge.sign(&large).await));
}
