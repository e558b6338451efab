// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/cimerror"
	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/fleet"
	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// errCases holds an error for every row of the table of exit codes.
func errCases() map[string]struct {
	err  error
	code int
	kind string
} {
	type row = struct {
		err  error
		code int
		kind string
	}
	fault := func(subcode wsman.Subcode, code uint32) error {
		f := &wsman.Fault{Subcode: subcode}
		if code != 0 {
			f.WSManFault = &wsman.WSManFault{Code: code}
		}
		return &wsman.OpError{Op: "Get", Err: f}
	}
	http := func(status int) error { return &wsman.OpError{Op: "Get", Err: &wsman.HTTPError{StatusCode: status}} }
	returned := func(v invoke.ReturnValue) error { return &invoke.ReturnValueError{ReturnValue: v} }
	return map[string]row{
		"anything else":             {errors.New("x"), exitFailure, "failure"},
		"usage":                     {&usageError{"x"}, exitUsage, "usage"},
		"migration failed":          {errMigrationFailed, exitMigration, "migration-failed"},
		"no such job":               {fmt.Errorf("%w: %w", invoke.ErrNoSuchJob, fault(wsman.SubcodeDestinationUnreachable, 0x80338000)), exitNoSuchJob, "no-such-job"},
		"connect":                   {&transport.ConnectError{Stage: "connect", Err: errors.New("refused")}, exitUnreachable, "unreachable"},
		"connect ran out of time":   {&transport.ConnectError{Stage: "tls", Err: context.DeadlineExceeded}, exitUnreachable, "unreachable"},
		"certificate":               {&transport.ConnectError{Stage: "tls", Err: &transport.CertificateError{Err: errors.New("x")}}, exitUnreachable, "unreachable"},
		"proxy refused":             {&transport.ConnectError{Stage: "proxy", Err: &wsman.HTTPError{StatusCode: 403}}, exitUnreachable, "unreachable"},
		"connection lost":           {fmt.Errorf("x: %w", wsman.ErrConnectionLost), exitUnreachable, "unreachable"},
		"503":                       {http(503), exitUnreachable, "unreachable"},
		"407":                       {http(407), exitUnreachable, "unreachable"},
		"401":                       {http(401), exitAuthentication, "authentication"},
		"NTLM refused":              {&transport.AuthError{Mechanism: "NTLM", Refused: true, Err: &wsman.HTTPError{StatusCode: 401}}, exitAuthentication, "authentication"},
		"a bad token":               {&wsman.OpError{Op: "Get", Err: &transport.AuthError{Err: errors.New("x")}}, exitAuthentication, "authentication"},
		"KDC":                       {&transport.AuthError{Err: &transport.KDCError{Code: 7}}, exitAuthentication, "authentication"},
		"no KDC":                    {&transport.KDCUnreachableError{Realm: "R"}, exitAuthentication, "authentication"},
		"no ticket":                 {fmt.Errorf("x: %w", &transport.CredentialError{Source: "f", Err: errors.New("x")}), exitAuthentication, "authentication"},
		"no ticket in time":         {&transport.AuthError{Err: context.DeadlineExceeded}, exitAuthentication, "authentication"},
		"403":                       {http(403), exitDenied, "access-denied"},
		"AccessDenied":              {fault(wsman.SubcodeAccessDenied, 0), exitDenied, "access-denied"},
		"code 5":                    {fault(wsman.SubcodeInternalError, 5), exitDenied, "access-denied"},
		"0x80070005":                {fault(wsman.SubcodeInternalError, 0x80070005), exitDenied, "access-denied"},
		"0x80338104":                {fault("", 0x80338104), exitDenied, "access-denied"},
		"0x80338105":                {fault("", 0x80338105), exitDenied, "access-denied"},
		"0x80338106":                {fault("", 0x80338106), exitDenied, "access-denied"},
		"no service visible":        {fmt.Errorf("x: %w", invoke.ErrNoSuchService), exitDenied, "access-denied"},
		"nothing visible":           {fmt.Errorf("x: %w", invoke.ErrNothingVisible), exitDenied, "access-denied"},
		"ReturnValue 32769":         {returned(32769), exitDenied, "access-denied"},
		"ReturnValue 32768":         {returned(32768), exitFault, "fault"},
		"ReturnValue 6":             {returned(6), exitFault, "fault"},
		"no Hyper-V":                {fmt.Errorf("%w: %w", invoke.ErrNoHyperV, fault(wsman.SubcodeDestinationUnreachable, 0)), exitFault, "fault"},
		"another fault":             {fault(wsman.SubcodeInternalError, 0), exitFault, "fault"},
		"TimedOut":                  {fault(wsman.SubcodeTimedOut, 0), exitFault, "fault"},
		"QuotaLimit":                {fault(wsman.SubcodeQuotaLimit, 0), exitQuota, "quota"},
		"quota by number":           {fault(wsman.SubcodeInternalError, 0x803381A7), exitQuota, "quota"},
		"413":                       {http(413), exitQuota, "quota"},
		"protocol":                  {&wsman.ProtocolError{Msg: "x"}, exitUndecodable, "undecodable"},
		"CIM-XML":                   {&cimerror.DecodeError{Err: errors.New("x")}, exitUndecodable, "undecodable"},
		"limit":                     {&transport.LimitError{What: "body"}, exitUndecodable, "undecodable"},
		"404":                       {http(404), exitUndecodable, "undecodable"},
		"302":                       {http(302), exitUndecodable, "undecodable"},
		"decode":                    {&undecodableError{"f", "x"}, exitUndecodable, "undecodable"},
		"deadline":                  {&wsman.OpError{Op: "Get", Err: context.DeadlineExceeded}, exitDeadline, "deadline"},
		"cancelled":                 {context.Canceled, exitInterrupted, "interrupted"},
		"--deadline":                {&deadlineError{time.Minute}, exitDeadline, "deadline"},
		"not tried":                 {&fleet.NotTriedError{Err: errors.New("x")}, exitAuthentication, "authentication"},
		"interrupted":               {errInterrupted, exitInterrupted, "interrupted"},
		"terminated":                {errTerminated, exitTerminated, "terminated"},
		"joined: the first row":     {errors.Join(fault(wsman.SubcodeInternalError, 0), fault(wsman.SubcodeAccessDenied, 0)), exitDenied, "access-denied"},
		"joined: deep":              {errors.Join(&wsman.ProtocolError{}, fmt.Errorf("x: %w", errors.Join(errors.New("y"), http(401)))), exitAuthentication, "authentication"},
		"joined: fault and quota":   {errors.Join(fault(wsman.SubcodeInternalError, 0), fault(wsman.SubcodeQuotaLimit, 0)), exitQuota, "quota"},
		"joined: fault and CIM-XML": {errors.Join(&cimerror.DecodeError{Err: errors.New("x")}, fault(wsman.SubcodeInternalError, 0)), exitFault, "fault"},
		"joined: one of two hosts":  {errors.Join(nil, &hostError{"h", http(401)}), exitAuthentication, "authentication"},
	}
}

func TestExitCode(t *testing.T) {
	t.Parallel()
	if got := exitCode(nil); got != exitOK {
		t.Errorf("exitCode(nil) = %d", got)
	}
	seen := map[int]bool{exitOK: true}
	for name, tt := range errCases() {
		for _, err := range []error{tt.err, &hostError{"hv01", tt.err}, fmt.Errorf("x: %w", tt.err)} {
			if got := exitCode(err); got != tt.code {
				t.Errorf("%s: exitCode(%v) = %d, want %d", name, err, got, tt.code)
			}
			if got := errorKind(err); got != tt.kind {
				t.Errorf("%s: errorKind(%v) = %q, want %q", name, err, got, tt.kind)
			}
		}
		seen[tt.code] = true
	}
	for _, code := range []int{0, 1, 2, 3, 4, 10, 11, 12, 13, 14, 15, 124, 130, 143} {
		if !seen[code] {
			t.Errorf("no row for exit %d", code)
		}
	}
}

func TestMessage(t *testing.T) {
	t.Parallel()
	a, b, c := &usageError{"a."}, errors.New("b\nb"), errors.New("c")
	for _, tt := range []struct {
		err  error
		want string
	}{
		{a, "a."},
		{errors.Join(a, nil), "a."},
		{errors.Join(a, b), "a; b\nb"},
		{errors.Join(a, b, c, a), "a; b\nb; and 2 more"},
		{&hostError{"hv01", errors.Join(a, c)}, "hv01: a; c"},
		{&hostError{"fe80::1%eth0", c}, "[fe80::1%eth0]: c"},
		{&hostError{"127.0.0.1:5985", c}, "127.0.0.1:5985: c"},
		{&hostError{"[::1]:5985", c}, "[::1]:5985: c"},
		{errors.Join(nil, &hostError{"hv01", errors.Join(a, c)}), "hv01: a; c"},
		{fmt.Errorf("%w: %w", a, c), "a.: c"},
		{&hostError{"hv01", &timeoutError{time.Second, errors.Join(a, c)}}, "hv01: not done within --timeout 1s: a; c"},
	} {
		if got := message(tt.err); got != tt.want {
			t.Errorf("message(%q) = %q, want %q", tt.err, got, tt.want)
		}
	}
}
