//! The pages in a real browser: what it sends with a form, which cookies it takes, and to whom it shows them.

#[path = "story/server.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod server;

#[path = "story/people.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod people;

#[path = "browser/webdriver.rs"]
mod webdriver;

use people::{Device, PASSWORD};
use server::Server;
use webdriver::Chromium;

const ANN: &str = "ann@example.com";

fn log_in(browser: &Chromium, server: &Server) {
    browser.open(&format!("{}/login", server.url));
    browser.fill("input[name=email]", ANN);
    browser.fill("input[name=password]", PASSWORD);
    browser.click("main button");
}

/// The cookie whose name begins so: for this host alone, out of reach of scripts, and not yet `Secure`, for this is
/// plain HTTP on one machine.
fn assert_kept(browser: &Chromium, name: &str, same_site: &str) {
    let cookie = browser.cookie(name).unwrap_or_else(|| panic!("no cookie {name}"));
    assert_eq!(
        (&cookie["httpOnly"], &cookie["secure"], &cookie["path"]),
        (&true.into(), &false.into(), &"/".into()),
        "{cookie}"
    );
    assert_eq!(
        (cookie["sameSite"].as_str(), cookie["domain"].as_str()),
        (Some(same_site), Some("127.0.0.1"))
    );
}

#[test]
fn a_person_signs_up_enrols_a_device_and_logs_in_with_its_code() {
    let server = Server::start();
    let browser = Chromium::start();
    browser.open(&server.url);
    browser.click("a.button[href='/signup']");
    browser.fill("input[name=email]", ANN);
    browser.fill("input[name=password]", PASSWORD);
    browser.click("main button");
    assert!(browser.text().contains("Almost there"));
    assert!(browser.cookie("sid").is_none(), "nobody is logged in by that");

    // A page that needs somebody sends to the login and back.
    browser.open(&format!("{}/security", server.url));
    assert_eq!(browser.path(), "/login?next=/security");
    browser.fill("input[name=email]", ANN);
    browser.fill("input[name=password]", PASSWORD);
    browser.click("main button");
    assert_eq!(browser.path(), "/security");
    assert_kept(&browser, "sid-", "Lax");
    assert_eq!(browser.script("document.cookie"), "", "no script reads it");

    // The picture is drawn, under a policy that loads nothing.
    browser.click("form[action='/security/codes'] button");
    let width = browser.script("document.querySelector('.qr svg').getBoundingClientRect().width");
    assert!(width.as_f64().unwrap() > 150.0, "{width}");
    let device = Device::of_key(&browser.text_of("code.secret"));
    browser.fill("input[name=code]", &device.code(0));
    browser.click("main button");
    assert!(browser.text().contains("Your recovery codes"), "{}", browser.text());
    assert!(browser.script("document.querySelectorAll('.codes li').length") == 10);

    // The link in the mail, opened in the same browser.
    browser.open(&format!("{}/profile", server.url));
    let before = server.link(ANN, "/verify");
    browser.click("form[action='/verify/send'] button");
    server.until("there is another", || server.link(ANN, "/verify") != before);
    browser.open(&server.link(ANN, "/verify"));
    browser.click("main button");
    assert!(browser.text().contains("Your address is confirmed."), "{}", browser.text());

    browser.open(&format!("{}/admin", server.url));
    assert_eq!(browser.text_of("h1"), "Forbidden");
    browser.open(&format!("{}/profile", server.url));
    browser.click("form[action='/logout'] button");
    assert!(browser.cookie("sid").is_none());
    server.cli(&["grant", "--unverified", ANN, "admin"]);
    log_in(&browser, &server);
    assert_eq!(browser.path(), "/login/code");
    assert_kept(&browser, "login-", "Strict");
    assert!(browser.cookie("sid").is_none(), "half a login opens nothing");
    browser.fill("input[name=code]", &device.code(1));
    browser.click("main button");
    assert_eq!(browser.path(), "/profile");
    assert_kept(&browser, "sid-", "Lax");
    assert!(browser.cookie("login").is_none());
    browser.open(&format!("{}/devices", server.url));
    assert!(browser.text().contains("by password and one-time code, AAL2"), "{}", browser.text());

    server.until("the role counts", || {
        browser.open(&format!("{}/admin", server.url));
        browser.text_of("h1") == "Administration"
    });
}

/// A page elsewhere acts for nobody, though the browser is logged in.
#[test]
fn a_form_on_another_site_does_nothing() {
    let server = Server::start();
    let browser = Chromium::start();
    people::sign_up(&server, ANN);
    log_in(&browser, &server);
    assert_eq!(browser.path(), "/profile");
    for (action, fields) in
        [("/logout", ""), ("/login", "<input name=email value=a@b.example><input name=password value=x>")]
    {
        let form =
            format!("<form method=post action='{}{action}'>{fields}<button>Win</button></form>", server.url);
        browser.open(&format!("data:text/html,{}", form.replace(' ', "%20")));
        browser.click("button");
        assert!(browser.text().contains("Forbidden"), "{action}: {}", browser.text());
    }
    browser.open(&format!("{}/profile", server.url));
    assert!(browser.text().contains(ANN), "she is still logged in");
}
