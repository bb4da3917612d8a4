//! What may go to other threads: a field that may not would change the interface without a word.

use dtls_session::{
    Acceptor, AcceptorBuilder, BuildError, Certificate, CertificateError, CertificateRefusal,
    ConnectError, Connector, ConnectorBuilder, CookieGate, ExportError, GeneralName, Handshake,
    HandshakeError, Identity, IdentityFault, Limits, Listener, PemError, Preferences, Psk,
    PskError, PskKey, PskKeys, RecvError, Resumption, ResumptionError, Roots, SecretError,
    SendError, Session, SessionConfig, SessionInfo, SessionStore, SharedSecret, SrtpKeys, Verdict,
};

#[test]
fn everything_may_go_to_another_thread() {
    shared::<Listener>();
    shared::<Session>();
    shared::<Acceptor>();
    shared::<Connector>();
    shared::<CookieGate>();
    shared::<Verdict>();
    shared::<(SessionConfig, Limits, Preferences)>();
    shared::<(Identity, Roots, Psk, PskKey, PskKeys)>();
    shared::<(Resumption, SessionStore, SharedSecret)>();
    shared::<(SessionInfo, SrtpKeys)>();
    shared::<(Certificate, GeneralName, CertificateRefusal)>();
    shared::<(CertificateError, IdentityFault)>();
    shared::<(BuildError, HandshakeError, ConnectError)>();
    shared::<(RecvError, SendError, ExportError)>();
    shared::<(PemError, PskError, SecretError, ResumptionError)>();
}

/// They hold what the caller has given them, which need not be shared.
#[test]
fn a_handshake_and_what_makes_one_may_be_moved() {
    sent::<Handshake>();
    sent::<AcceptorBuilder>();
    sent::<ConnectorBuilder>();
}

#[test]
fn what_its_methods_return_may_be_spawned() {
    fn receive(session: &Session) -> impl Send {
        session.recv(&mut [])
    }
    fn send(session: &Session) -> impl Send {
        session.send(&[])
    }
    fn accept(listener: &Listener) -> impl Send {
        listener.accept()
    }
    fn connect(connector: &Connector) -> impl Send {
        connector.connect("")
    }
    // It is enough that these compile.
    let _ = (receive, send, accept, connect);
}

fn shared<T: Send + Sync + 'static>() {}

fn sent<T: Send + 'static>() {}
