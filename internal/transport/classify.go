package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net"
	"net/http"
)

// classify says of a failed attempt whether the call may have taken effect, and whether trying again could help.
// It is the one place that knows; what follows from it is the same for every operation.
func (r *run) classify() (happened, transient bool) {
	err := r.out.Err
	switch {
	case errors.Is(err, ErrStatus), errors.Is(err, ErrRedirect):
		return classifyStatus(r.out.Answer.Status)
	case !r.made: // it was not sent; without a slot it could be later
		return false, errors.Is(err, ErrPaced) || errors.Is(err, ErrUsedUp) || errors.Is(err, ErrLimiter) || errors.Is(err, context.DeadlineExceeded)
	case errors.Is(err, context.Canceled):
		return r.sent, false
	case errors.Is(err, ErrUnusable):
		// Text that is no JSON comes from a proxy or was cut short; JSON of another shape comes again.
		var syntax *json.SyntaxError
		return true, errors.As(err, &syntax)
	}
	return r.sent, !isFinal(err)
}

func classifyStatus(status int) (happened, transient bool) {
	switch status {
	case http.StatusTooManyRequests:
		return false, true // refused by the rate limiter, before anything was done
	case http.StatusRequestTimeout, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true, true
	case http.StatusNotImplemented:
		return false, false
	}
	return status < 400 || status > 499, false
}

// isDial reports whether err says that no connection was made.
func isDial(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	return errors.As(err, &op) && op.Op == "dial" || errors.As(err, &dns)
}

// isFinal reports whether a network error will be the same next time.
func isFinal(err error) bool {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return dns.IsNotFound
	}
	return IsCertificate(err) || IsPlain(err) || errors.Is(err, ErrProxy) || errors.Is(err, errNilAnswer)
}

// IsPlain reports whether err says that the server does not speak TLS.
func IsPlain(err error) bool {
	var record tls.RecordHeaderError
	return errors.Is(err, http.ErrSchemeMismatch) || errors.As(err, &record)
}

// IsCertificate reports whether err says that the server could not prove who it is.
func IsCertificate(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		authority    x509.UnknownAuthorityError
		invalid      x509.CertificateInvalidError
		host         x509.HostnameError
	)
	return errors.As(err, &verification) || errors.As(err, &authority) ||
		errors.As(err, &invalid) || errors.As(err, &host)
}
