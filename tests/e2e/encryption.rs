//! Owns the tests of Redis over TLS, with an authority and certificates made here: what works, and what is refused how.

use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use crate::common::redis_server::{RedisServer, free_port};
use crate::common::{Ran, Sandbox, until};

/// A server with TLS on one port and without it on another. Its user has the permissions of the documentation.
struct Encrypted {
    sandbox: Sandbox,
    server: RedisServer,
    port: u16,
    authority: PathBuf,
}

fn start() -> Encrypted {
    start_with("no")
}

/// Starts a server that wants certificates of its clients (`yes`), or does not (`no`).
fn start_with(auth_clients: &str) -> Encrypted {
    let sandbox = Sandbox::embedded();
    let issuer = authority("An authority");
    // The certificate names the address, but not `localhost`.
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let file = |name: &str, text: String| sandbox.write(name, &text).to_string_lossy().into_owned();
    let (certificate, key) = (file("server.pem", certificate.pem()), file("server.key", key.serialize_pem()));
    let authority = sandbox.write("authority.pem", &issuer.pem());
    let port = free_port();
    let server = RedisServer::start_with(&[
        ("tls-port", &port.to_string()),
        ("tls-cert-file", &certificate),
        ("tls-key-file", &key),
        ("tls-ca-cert-file", &authority.to_string_lossy()),
        ("tls-auth-clients", auth_clients),
        ("appendonly", "yes"),
        ("user", "ada on >s3cret ~sweep:* +@all -@dangerous +info"),
    ]);
    let key = KeyPair::generate().unwrap();
    let client = CertificateParams::new(vec!["a worker".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    sandbox.write("client.pem", &client.pem());
    sandbox.write("client.key", &key.serialize_pem());
    Encrypted { sandbox, server, port, authority }
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

impl Encrypted {
    fn sweep(&self, url: &str, authority: &PathBuf, args: &[&str]) -> Ran {
        let mut command = self.sandbox.command(args);
        command.env("SWEEP_STORE", url).env("SSL_CERT_FILE", authority).env_remove("SSL_CERT_DIR");
        command.output().unwrap().into()
    }

    /// Asserts that the connection is refused with these words, and that the password is not among them.
    #[track_caller]
    fn refused(&self, url: &str, authority: &PathBuf, words: &[&str]) {
        let ran = self.sweep(url, authority, &["status"]).code(3);
        assert!(!ran.stderr.contains("s3cret"), "{}", ran.stderr);
        for word in words {
            assert!(ran.stderr.contains(word), "`{word}` is missing in: {}", ran.stderr);
        }
    }
}

#[test]
fn a_sweep_runs_over_tls_as_a_user_of_the_access_list() {
    let encrypted = start();
    encrypted.sandbox.write("pi.toml", "command = \"echo result={{ x }}\"\n[grid]\nx = [1, 2, 3]\n");
    let port = encrypted.port;
    for scheme in ["rediss", "valkeys"] {
        let url = format!("{scheme}://ada:s3cret@127.0.0.1:{port}");
        let ran = encrypted.sweep(&url, &encrypted.authority, &["run", "pi.toml", "--out", "out.csv"]).code(0);
        assert!(!ran.stderr.contains("s3cret"), "{}", ran.stderr);
        assert_eq!(encrypted.sandbox.rows("out.csv").len(), 3);
    }
    assert!(encrypted.server.say("ZCARD sweep:ids").starts_with(":"), "it was this server");
}

#[test]
fn a_server_that_wants_a_certificate_gets_that_of_the_client() {
    let encrypted = start_with("yes");
    encrypted.sandbox.write("pi.toml", "command = \"echo result={{ x }}\"\n[grid]\nx = [1, 2, 3]\n");
    let url = format!("rediss://ada:s3cret@127.0.0.1:{}", encrypted.port);
    let run = |certificate: &[(&str, &str)]| -> Ran {
        let mut command = encrypted.sandbox.command(&["run", "pi.toml", "--out", "out.csv"]);
        command.env("SWEEP_STORE", &url).env("SSL_CERT_FILE", &encrypted.authority).env_remove("SSL_CERT_DIR");
        command.envs(certificate.iter().copied()).output().unwrap().into()
    };
    let [certificate, key] = [("SWEEP_TLS_CERT", "client.pem"), ("SWEEP_TLS_KEY", "client.key")];
    run(&[certificate, key]).code(0);
    assert_eq!(encrypted.sandbox.rows("out.csv").len(), 3);
    // The server closes the connection at once, and its reason may arrive too late.
    until("the reason of the server", || match run(&[]).code(3).stderr {
        without if without.contains("SWEEP_TLS_CERT") => Ok(()),
        without => Err(without),
    });
    let half = run(&[certificate]).code(2).stderr;
    assert!(half.contains("SWEEP_TLS_KEY is not"), "{half}");
    let missing = run(&[certificate, ("SWEEP_TLS_KEY", "no.key")]).code(2).stderr;
    assert!(missing.contains("no.key (SWEEP_TLS_KEY) cannot be read"), "{missing}");
}

#[test]
fn what_is_wrong_with_an_encrypted_connection_is_told_with_the_remedy() {
    let encrypted = start();
    let (port, plain, authority_file) = (encrypted.port, encrypted.server.port(), &encrypted.authority);
    let url = |scheme: &str, host: &str, port: u16| format!("{scheme}://ada:s3cret@{host}:{port}");
    let other = encrypted.sandbox.write("other.pem", &authority("Another authority").pem());
    let good = url("rediss", "127.0.0.1", port);
    let shown = format!("rediss://127.0.0.1:{port}");
    encrypted.refused(&good, &other, &[&shown, "authority that this machine does not know", "SSL_CERT_FILE"]);
    let by_name = url("rediss", "localhost", port);
    encrypted.refused(
        &by_name,
        authority_file,
        &["is for another name", &format!("s_client -connect localhost:{port}")],
    );
    let to_plain = url("rediss", "127.0.0.1", plain);
    encrypted.refused(
        &to_plain,
        authority_file,
        &["does not reply in time", "speaks TLS", "redis:// instead of rediss://"],
    );
    let to_tls = url("redis", "127.0.0.1", port);
    encrypted.refused(&to_tls, authority_file, &[&format!("redis://127.0.0.1:{port}"), "rediss://"]);
    let missing = encrypted.sandbox.path().join("missing.pem");
    encrypted.refused(&good, &missing, &["cannot encrypt a connection", "SSL_CERT_FILE"]);
    let ran = encrypted.sweep(&format!("{good}#insecure"), authority_file, &["status"]).code(2);
    assert!(ran.stderr.contains("SSL_CERT_FILE") && !ran.stderr.contains("s3cret"), "{}", ran.stderr);
    let wrong = format!("rediss://ada:wrong@127.0.0.1:{port}");
    encrypted.refused(&wrong, authority_file, &["refuses the user `ada` with this password"]);
}
