use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;

use super::*;

/// The reference: the portable engine, which has one path.
fn expected(text: &[u8]) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

fn decodes(text: &str) -> Option<Vec<u8>> {
    decode(text, &mut [0; 256]).map(<[u8]>::to_vec)
}

/// Every buffer that has room, exactly or with some to spare, must lead to the same answer.
fn agrees(text: &str) {
    let expected = expected(text.as_bytes());
    let len = expected.as_ref().map_or(decoded_len(text.len()), Vec::len);
    for spare in [0, 1, 7, 64] {
        let mut room = vec![0xa5; len + spare];
        assert_eq!(
            decode(text, &mut room).map(<[u8]>::to_vec),
            expected,
            "{text:?} into {} bytes",
            len + spare
        );
    }
    if let Some(short) = expected.as_ref().and_then(|bytes| bytes.len().checked_sub(1)) {
        assert_eq!(decode(text, &mut vec![0; short]), None, "no room for {text:?}");
    }
}

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|n| (n * 37 % 251) as u8).collect()
}

/// Two spellings of one segment would make token bytes ambiguous (libjwt#284,
/// tink-java#82, joserfc#51, GHSA-hxm8-2xgr-2p9m).
#[test]
fn only_the_canonical_spelling_is_read() {
    assert_eq!(decodes("AQID"), Some(vec![1, 2, 3]));
    assert_eq!(decodes("_-8"), Some(vec![0xff, 0xef]));
    for bad in
        ["AQI=", "AQ==", "A", "AQIDA", "AR", "AQJ", "_+8", "_/8", "AQ ID", " AQID", "AQID\n", "AQ\0D", "é"]
    {
        assert_eq!(decodes(bad), None, "{bad:?}");
    }
}

/// There are three paths, by length and by what a vector leaves over; none may be laxer than the others.
#[test]
fn every_length_is_read_as_the_reference_reads_it() {
    for len in 0..=200 {
        let bytes = bytes(len);
        let mut text = String::new();
        encode_to(&bytes, &mut text);
        assert_eq!(text, URL_SAFE_NO_PAD.encode(&bytes));
        assert_eq!(text.len(), encoded_len(len));
        assert!(decoded_len(text.len()) >= len);
        agrees(&text);
        assert_eq!(decodes(&text).as_deref(), Some(&bytes[..]));
        assert_eq!(decodes(&format!("{text}=")), None);
        // An impossible length, and bits that are left over.
        agrees(&format!("{text}A"));
        agrees(&format!("{text}B"));
    }
    for len in 0..=200 {
        agrees(&"A".repeat(len));
        agrees(&"_".repeat(len));
    }
}

/// What stands in for all characters: some of each kind in the alphabet, and what is next to them in ASCII.
const KINDS: &[u8] = b"AQZaz09-_@[`{/:,.^+= \n\0\x7f";

/// In every place of every length: what is in the alphabet may be read, or leave bits over; what is not is
/// refused wherever it stands. With every character where the paths begin and end, with some of each kind
/// elsewhere.
#[test]
fn every_single_fault_is_found() {
    let all: Vec<u8> = (0..=0x7f).collect();
    let mut room = [0; 256];
    for len in 0..=200 {
        let text = URL_SAFE_NO_PAD.encode(bytes(len)).into_bytes();
        let characters = if matches!(len, 0..=9 | 32 | 48..=52 | 64 | 72..=75) { &all } else { KINDS };
        for at in 0..text.len() {
            let mut bad = text.clone();
            for byte in characters {
                bad[at] = *byte;
                let expected = expected(&bad);
                let bad = std::str::from_utf8(&bad).unwrap();
                assert_eq!(decode(bad, &mut room), expected.as_deref(), "{bad:?}");
            }
            if len % 8 == 0 {
                let mut bad = String::from_utf8(text.clone()).unwrap();
                bad.replace_range(at..=at, "é");
                assert_eq!(decodes(&bad), None, "{bad:?}");
            }
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_read_as_the_reference_reads_it(text in "[A-Za-z0-9_-]{0,200}|[ -~]{0,80}|\\PC{0,80}") {
        agrees(&text);
    }

    #[test]
    fn any_bytes_come_back(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let mut text = "before.".to_owned();
        encode_to(&bytes, &mut text);
        prop_assert_eq!(&text, &format!("before.{}", URL_SAFE_NO_PAD.encode(&bytes)));
        agrees(&text["before.".len()..]);
    }
}
