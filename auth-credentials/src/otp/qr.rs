//! The QR code of a device, as a picture and as text.

use auth_core::Secret;
use qrcodegen::{QrCode, QrCodeEcc};
use zeroize::Zeroizing;

use super::uri::OtpUri;

/// The light border that readers need, in modules (ISO/IEC 18004 section 6.3.8).
const BORDER: i32 = 4;

/// The URI is too long for a QR code. That takes names of hundreds of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("uri is too long for a qr code")]
pub struct QrError;

/// QR codes: the feature `qr`.
///
/// They hold the secret. Send them with `Cache-Control: no-store`, and inside the page: a picture with an address of
/// its own ends up in logs and caches.
impl OtpUri {
    /// The QR code as an SVG document, black on white, sized by whoever shows it. Nothing in it comes from a name.
    ///
    /// # Errors
    /// [`QrError`].
    pub fn expose_svg(&self) -> Result<Secret, QrError> {
        let code = self.code()?;
        let size = code.size().saturating_add(BORDER.saturating_mul(2));
        let mut svg = Zeroizing::new(String::with_capacity(64 << 10));
        svg.push_str(&format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" \
             shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{size}v{size}H0z\"/><path d=\""
        ));
        for y in 0..code.size() {
            for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
                let (x, y) = (x.saturating_add(BORDER), y.saturating_add(BORDER));
                svg.push_str(&format!("M{x} {y}h1v1h-1z"));
            }
        }
        svg.push_str("\"/></svg>\n");
        Ok(Secret::new(svg.as_bytes().to_vec()))
    }

    /// The QR code as text for a terminal, two rows of modules a line. Light is drawn and dark is left out, as suits
    /// light text on a dark ground.
    ///
    /// # Errors
    /// [`QrError`].
    pub fn expose_terminal(&self) -> Result<Secret, QrError> {
        let code = self.code()?;
        let ends = code.size().saturating_add(BORDER);
        let mut text = Zeroizing::new(String::with_capacity(32 << 10));
        for y in (-BORDER..ends).step_by(2) {
            for x in -BORDER..ends {
                // Outside of the code everything is light.
                text.push(match (code.get_module(x, y), code.get_module(x, y.saturating_add(1))) {
                    (false, false) => '█',
                    (false, true) => '▀',
                    (true, false) => '▄',
                    (true, true) => ' ',
                });
            }
            text.push('\n');
        }
        Ok(Secret::new(text.as_bytes().to_vec()))
    }

    fn code(&self) -> Result<QrCode, QrError> {
        QrCode::encode_text(&self.expose(), QrCodeEcc::Medium).map_err(|_| QrError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otp::{
        codes::OtpDevice,
        key::{OtpAlgorithm, OtpDigits, OtpKey},
    };

    fn uri(account: &str) -> OtpUri {
        let secret = Secret::new((0..20).collect());
        let key = OtpKey::new(secret, OtpAlgorithm::Sha1, OtpDigits::Six).unwrap();
        OtpUri::new("Test", account, OtpDevice::totp(key)).unwrap()
    }

    /// The picture and the text have the same modules, and nothing of the names: no `<script>` gets into a page.
    #[test]
    fn picture_and_text_show_the_same_code() {
        let uri = uri("<script>alert(1)</script>");
        let (svg, text) = (uri.expose_svg().unwrap(), uri.expose_terminal().unwrap());
        let (svg, text) = (svg.expose_str().unwrap(), text.expose_str().unwrap());
        assert!(!svg.contains("script"));
        let size = uri.code().unwrap().size() + 2 * BORDER;
        assert!(svg.contains(&format!("viewBox=\"0 0 {size} {size}\"")));
        let dark = svg.matches("h1v1h-1z").count();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.iter().all(|line| line.chars().count() == size as usize));
        let of = |c: char| match c {
            '█' => 0,
            '▀' | '▄' => 1,
            _ => 2,
        };
        assert_eq!(lines.iter().flat_map(|line| line.chars()).map(of).sum::<usize>(), dark);
        assert!(lines[0].chars().all(|c| c == '█') && lines[1].chars().all(|c| c == '█'), "a light border");
    }

    #[test]
    fn the_longest_names_still_fit() {
        let long = "ü".repeat(OtpUri::MAX_NAME / 2);
        assert!(uri(&long).expose_svg().is_ok());
    }
}
