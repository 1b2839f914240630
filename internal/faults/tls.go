package faults

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"sync"
	"time"
)

// Certificate is what a server proves itself with.
type Certificate int

// The certificates. All but the first are to be refused.
const (
	Genuine Certificate = iota
	OfUnknownCA
	Expired
	OfAnotherHost
)

// hosts are what the genuine certificate is for.
var hosts = []string{"acme.ada.support", "gateway.example.com", "rest.iad-01.braze.com", "localhost"}

// authority makes the certificates, with times that are good on the clock of testing/synctest too.
var authority = sync.OnceValue(func() (all struct {
	roots        *x509.CertPool
	certificates [4]tls.Certificate
},
) {
	year := func(y int) time.Time { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC) }
	make := func(of string, until int, names []string, parent *tls.Certificate) tls.Certificate {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		must(err)
		template := &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: of}, DNSNames: names,
			NotBefore: year(1980), NotAfter: year(until),
			IsCA: parent == nil, BasicConstraintsValid: true,
		}
		issuer, signer := template, any(key)
		if parent != nil {
			issuer, signer = parent.Leaf, parent.PrivateKey
		}
		der, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), signer)
		must(err)
		leaf, err := x509.ParseCertificate(der)
		must(err)
		return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
	}
	root, other := make("root", 2100, nil, nil), make("other", 2100, nil, nil)
	all.roots = x509.NewCertPool()
	all.roots.AddCert(root.Leaf)
	all.certificates = [4]tls.Certificate{
		Genuine:       make("genuine", 2100, hosts, &root),
		OfUnknownCA:   make("of an unknown CA", 2100, hosts, &other),
		Expired:       make("expired", 1990, hosts, &root),
		OfAnotherHost: make("of another host", 2100, []string{"evil.example"}, &root),
	}
	return all
})

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// Secure returns a copy of t that dials into the network and writes real TLS for https, with HTTP/2 where both ends want
// it. Every step has to speak it then: see [TLS], [Serve] and [HTTP2].
func (n *Network) Secure(t *http.Transport) *http.Transport {
	t = n.Under(t)
	t.DialTLSContext = nil
	t.TLSClientConfig = &tls.Config{RootCAs: authority().roots}
	t.ForceAttemptHTTP2 = true
	return t
}

// TLS is step behind a server that proves itself with c.
func TLS(c Certificate, step Step) Step {
	return Step{dial: step.dial, serve: func(s *session) { s.encrypted(c, nil, step.serve) }}
}

// encrypted calls serve with the session inside of TLS, if it comes to that.
func (s *session) encrypted(c Certificate, protocols []string, serve func(*session)) {
	conn := tls.Server(s.Conn, &tls.Config{
		Certificates: []tls.Certificate{authority().certificates[c]}, NextProtos: protocols, SessionTicketsDisabled: true,
	})
	if conn.Handshake() == nil {
		serve(s.over(conn))
		_ = conn.Close()
	}
}

// HandshakeReset is a server that crashes in the handshake of TLS.
func HandshakeReset() Step { return ResetInRequest() }

// PlainHTTP is a server that speaks no TLS where it should.
func PlainHTTP() Step {
	return Step{serve: func(s *session) {
		_, _ = s.Peek(1)
		_ = s.say("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")
	}}
}

// Serve is a server of net/http's own, over TLS, with HTTP/2 and connections that stay.
func Serve(h http.Handler) Step {
	return Step{serve: func(s *session) {
		s.encrypted(Genuine, []string{"h2", "http/1.1"}, func(s *session) {
			counted := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				s.network.arrive(nil)
				h.ServeHTTP(w, r)
			})
			server := &http.Server{Handler: counted, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Hour}
			ended := make(chan struct{})
			server.ConnState = func(_ net.Conn, state http.ConnState) {
				if state == http.StateClosed || state == http.StateHijacked {
					close(ended)
				}
			}
			listener := &one{conn: make(chan net.Conn, 1), ended: ended}
			listener.conn <- s.Conn
			_ = server.Serve(listener)
			_ = server.Close()
		})
	}}
}

// one is a listener for one connection.
type one struct {
	conn  chan net.Conn
	ended chan struct{}
}

func (l *one) Accept() (net.Conn, error) {
	select {
	case c := <-l.conn:
		return c, nil
	default:
	}
	<-l.ended
	return nil, errors.New("there is no other")
}

func (l *one) Close() error   { return nil }
func (l *one) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "memory"} }
