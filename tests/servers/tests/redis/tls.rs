//! TLS: the server's certificate decides.

use auth_core::SessionStore;
use auth_redis::{Redis, RedisOptions, SetupError};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};
use servers::{Process, free_port};

use crate::support::{now, owner, session};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A server that speaks TLS only, with a certificate for this name. It is Debian's Redis whatever `REDIS_SERVER` says: the
/// programs of 6.2 and of Valkey that `scripts/test` fetches are built without TLS.
fn server(authority: &Authority, name: &str, folder: &std::path::Path) -> Process {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, authority).unwrap();
    let path = |file: &str| folder.join(file);
    std::fs::write(path("cert.pem"), certificate.pem()).unwrap();
    std::fs::write(path("key.pem"), key.serialize_pem()).unwrap();
    std::fs::write(path("ca.pem"), authority.pem()).unwrap();
    let port = free_port();
    let mut command = std::process::Command::new("redis-server");
    command.args([
        "--bind",
        "127.0.0.1",
        "--port",
        "0",
        "--save",
        "",
        "--tls-auth-clients",
        "no",
        "--tls-port",
    ]);
    command.arg(port.to_string()).arg("--dir").arg(folder);
    for (option, file) in
        [("--tls-cert-file", "cert.pem"), ("--tls-key-file", "key.pem"), ("--tls-ca-cert-file", "ca.pem")]
    {
        command.arg(option).arg(path(file));
    }
    Process::start(&mut command, port, &path("log"))
}

async fn connect(port: u16, authority: Option<&Authority>) -> Result<Redis, SetupError> {
    let mut options = RedisOptions::default();
    if let Some(authority) = authority {
        options = options.root_certificates(authority.pem());
    }
    Redis::connect(&format!("rediss://localhost:{port}/"), options).await
}

#[tokio::test]
async fn a_connection_is_as_good_as_the_servers_certificate() {
    let (ours, theirs) = (authority(), authority());
    let folder = tempfile::tempdir().unwrap();
    let good = server(&ours, "localhost", folder.path());
    let redis = connect(good.port(), Some(&ours)).await.unwrap();
    let record = session(&owner("ann"));
    let _ = redis.sessions().insert(&record, None, now()).await.unwrap();
    assert!(redis.sessions().load(&record.id, now()).await.unwrap().is_some());

    for other in [Some(&theirs), None] {
        let refused = connect(good.port(), other).await;
        assert!(matches!(refused, Err(SetupError::Unreachable(_))), "{refused:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    let misnamed = server(&ours, "elsewhere.example", folder.path());
    let refused = connect(misnamed.port(), Some(&ours)).await;
    assert!(matches!(refused, Err(SetupError::Unreachable(_))), "{refused:?}");

    let plain = Redis::connect(&format!("redis://localhost:{}/", good.port()), RedisOptions::default()).await;
    assert!(plain.is_err(), "the server speaks TLS only");
    let unread = RedisOptions::default()
        .root_certificates("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let unread = Redis::connect(&format!("rediss://localhost:{}/", good.port()), unread).await;
    assert!(matches!(unread, Err(SetupError::Tls(_))), "{unread:?}");
}
