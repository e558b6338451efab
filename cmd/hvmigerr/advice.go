package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/fleet"
	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// An advice is what helps against an error. It belongs to the command: libraries say only what is the case.
type advice struct {
	name    string   // of its row
	hint    string   // one line for stderr, "" if the error's own text says enough
	means   string   // one or two sentences, for doctor
	actions []action // what to look at or to do, the likeliest to help first
}

// An action is a thing to look at or to do. In its command <HOST>, <USER>, <REALM> … stand for what the reader fills in.
type action struct{ where, what, command string } // without a command: ""

// Where an action is done.
const (
	whereHere = "here"
	whereHost = "host"
	whereDC   = "domain controller"
)

func here(what, command string) action   { return action{whereHere, what, command} }
func onHost(what, command string) action { return action{whereHost, what, command} }
func onDC(what, command string) action   { return action{whereDC, what, command} }

// An adviceRow is one row of the table.
type adviceRow struct {
	advice
	fits func(*failure) bool
	// hintOf and actionsOf stand in place of hint and actions where those depend on the failure. Nil: they do not.
	hintOf    func(*failure) string
	actionsOf func(*failure) []action
}

// adviceRows returns the table, in the order of precedence.
func adviceRows() []adviceRow {
	return slices.Concat(
		ownRows(), eventRows(), answerRows(), certificateRows(), vouchingRows(), resolveRows(), reachRows(), peerRows(), proxyRows(),
		userRows(), ticketRows(), credentialRows(), exchangeRows(), kerberosRows(), kerberosRefusedRows(),
		ntlmOfferRows(), ntlmRows(), basicRows(),
		deniedRows(), quotaRows(), faultRows(), otherFaultRows(), wrongPeerRows(), undecodableRows(), lastRows(),
	)
}

// advise returns the advice of the first row that fits err. The last row fits every error.
func advise(err error) *advice {
	f := examine(err)
	for _, row := range adviceRows() {
		if !row.fits(f) {
			continue
		}
		a := row.advice
		if row.hintOf != nil {
			a.hint = row.hintOf(f)
		}
		if row.actionsOf != nil {
			a.actions = row.actionsOf(f)
		}
		if f.exit == exitAuthentication && f.method.auto && f.method.Mechanism != "" && !has[*noPasswordError](err) {
			a.hint = withChoice(a.hint, f.method)
		}
		return &a
	}
	return &advice{}
}

// withChoice adds to a hint what has chosen the method that failed: no failure changes it afterwards.
func withChoice(hint string, m *method) string {
	chosen := fmt.Sprintf("--auth auto chose %s: %s", m.Mechanism, m.Reason)
	if hint == "" {
		return chosen
	}
	return hint + " (" + chosen + ")"
}

// hint returns what may help against err in one line, or "".
func hint(err error) string { return advise(err).hint }

// ownRows are about what this program was told, and what stopped it.
func ownRows() []adviceRow {
	return []adviceRow{
		{
			advice: advice{name: "usage", means: "A flag or an argument is wrong. Nothing was sent."},
			fits:   func(f *failure) bool { return has[*usageError](f.err) },
		},
		{
			advice: advice{name: "input", means: "What was to be decoded holds no error of a migration in any form that is known."},
			fits:   func(f *failure) bool { return has[*undecodableError](f.err) },
		},
		{
			advice: advice{name: "interrupted", means: "The program was told to stop."},
			fits:   func(f *failure) bool { return f.exit == exitInterrupted || f.exit == exitTerminated },
		},
		{
			advice: advice{
				name:  "not-tried",
				hint:  "correct the password first, or look whether the account is locked: each wrong one that is sent brings it nearer to that",
				means: "Other hosts have refused the same user with the same password, or have not said whether it is right. It was not sent to this one, so that the account is not locked.",
				actions: []action{
					here("see what one of those does with it", "hvmigerr doctor -u <USER> <HOST>"), domainAccount(),
				},
			},
			fits: func(f *failure) bool { return has[*fleet.NotTriedError](f.err) },
		},
	}
}

// answerRows are about what a host that was reached and has taken the user does not have, or does not show.
func answerRows() []adviceRow {
	lookForClass := onHost("what the namespace answers there", "Get-CimInstance -Namespace root/virtualization/v2 -ClassName Msvm_ComputerSystem")
	role := onHost("is the role installed", "Get-WindowsFeature Hyper-V")
	return []adviceRow{
		{
			advice: advice{
				name:  "no-such-job",
				means: "The host has no job of that name any more, or never had one.",
				actions: []action{
					here("what its event log still tells of migrations", "hvmigerr events <HOST>"),
					here("which jobs there still are", "hvmigerr jobs <HOST>"),
				},
			},
			hintOf: forgottenHint,
			fits:   func(f *failure) bool { return errors.Is(f.err, invoke.ErrNoSuchJob) },
		},
		{
			advice: advice{
				name:    "nothing-visible",
				hint:    "is the user in Hyper-V Administrators on the host? A new membership counts from the next logon on",
				means:   "The host took the user and shows nothing of Hyper-V, not even itself. It does so to whoever is not in Hyper-V Administrators.",
				actions: []action{hyperVMember(), showMembers()},
			},
			fits: func(f *failure) bool { return errors.Is(f.err, invoke.ErrNothingVisible) },
		},
		{
			advice: advice{
				name:    "no-namespace",
				hint:    "the host has no namespace root/virtualization/v2, so no Hyper-V of Windows Server 2012 or later: is it the right host?",
				means:   "WMI on the host does not know root/virtualization/v2. It comes with the Hyper-V role.",
				actions: []action{role, here("what answers there", "hvmigerr identify <HOST>")},
			},
			fits: func(f *failure) bool { return f.code(codeInvalidNamespace) },
		},
		{
			advice: advice{
				name:  "no-class",
				hint:  "WMI on the host lacks a class of Hyper-V: is the role there, and does Get-CimInstance find the class on the host itself?",
				means: "The namespace is there, and a class in it is not: the host is older than Windows Server 2012, or its WMI repository is damaged.",
				actions: []action{
					lookForClass, role,
					onHost("put the classes back if they are missing there too", `mofcomp $env:SystemRoot\System32\WindowsVirtualization.V2.mof`),
				},
			},
			fits: func(f *failure) bool {
				return f.code(codeInvalidClass) || matches(f.err, func(e *wsman.Fault) bool { return e.Subcode == wsman.SubcodeCannotProcessFilter })
			},
		},
		{
			advice: advice{
				name:    "no-hyperv",
				hint:    "is it a Hyper-V host of Windows Server 2012 or later? hvmigerr identify tells what answers there",
				means:   "The service does not have the classes of Hyper-V.",
				actions: []action{here("what answers there", "hvmigerr identify <HOST>"), role, lookForClass},
			},
			fits: func(f *failure) bool { return errors.Is(f.err, invoke.ErrNoHyperV) },
		},
	}
}

// lastRows are for what no other row is about.
func lastRows() []adviceRow {
	return []adviceRow{
		{
			advice: advice{
				name: "deadline-of-all", hint: "a longer --deadline may help, or more hosts at a time: --parallel",
				means: "The time for all hosts has passed before this one had answered.",
				actions: []action{
					here("give it more time, or none for all of them", "hvmigerr get --deadline 0 <HOST>"),
				},
			},
			fits: func(f *failure) bool { return has[*deadlineError](f.err) },
		},
		{
			advice: advice{
				name: "deadline-of-request", hint: "the host was connected and stayed silent: is it overloaded?",
				means: "One request has a minute, and its answer some seconds more. A host that takes longer does not answer any more.",
				actions: []action{
					here("see what takes the time", "hvmigerr get -v <HOST>"),
					onHost("is its service well", "Get-Service vmms, Winmgmt, WinRM"),
				},
			},
			fits: func(f *failure) bool {
				return f.exit == exitDeadline && has[*wsman.TimeoutError](f.err) && !ranOut(f.err)
			},
		},
		{
			advice: advice{
				name: "deadline", hint: "a longer --timeout may help",
				means: "The time for all that was asked of the host has passed.",
				actions: []action{
					here("give it more time", "hvmigerr get --timeout 2m <HOST>"),
					here("see what takes the time", "hvmigerr get -v <HOST>"),
				},
			},
			fits: func(f *failure) bool { return f.exit == exitDeadline },
		},
		{
			advice: advice{name: "other", means: "No more is known about it than what the error says."},
			fits:   func(*failure) bool { return true },
		},
	}
}

// A failure is what a row may look at: an error, taken apart once. A pointer is nil where there is none of that kind.
type failure struct {
	err             error
	exit            int
	traced, foreign bool
	method          *method // never nil
	// https and http tell how the host was asked; neither, when the error does not tell.
	https, http bool
	// user is the name as given, "" when the error does not tell.
	user string

	op          string // the operation that was refused: Enumerate, GetErrorEx …
	class       string // what it was for: Msvm_MigrationJob …
	auth        *transport.AuthError
	kdc         *transport.KDCError
	credential  *transport.CredentialError
	connect     *transport.ConnectError
	certificate *transport.CertificateError
	fault       *wsman.Fault
	returned    *invoke.ReturnValueError
	refusal     *wsman.HTTPError // of a 401
}

// examine takes err apart.
func examine(err error) *failure {
	f := &failure{err: err, exit: exitCode(err), method: &method{}}
	if e, ok := errors.AsType[*sessionError](err); ok {
		f.traced, f.foreign = e.traced, e.foreign
		f.https, f.http, f.user = e.https, e.http, e.user
		if e.method != nil {
			f.method = e.method
		}
	}
	f.auth, _ = errors.AsType[*transport.AuthError](err)
	f.kdc, _ = errors.AsType[*transport.KDCError](err)
	f.credential, _ = errors.AsType[*transport.CredentialError](err)
	f.connect, _ = errors.AsType[*transport.ConnectError](err)
	f.certificate, _ = errors.AsType[*transport.CertificateError](err)
	f.returned, _ = errors.AsType[*invoke.ReturnValueError](err)
	f.refusal, _ = findRefusal(err)
	if f.auth != nil && f.user == "" {
		f.user = f.auth.User
	}
	f.findFault()
	return f
}

// findFault finds the fault that has decided the exit code, else the first, and the operation that it refused.
func (f *failure) findFault() {
	decides := func(*wsman.Fault) bool { return true }
	switch f.exit {
	case exitDenied:
		decides = (*wsman.Fault).AccessDenied
	case exitQuota:
		decides = (*wsman.Fault).Quota
	}
	matches(f.err, func(e *wsman.Fault) bool {
		f.fault = e
		return decides(e)
	})
	matches(f.err, func(e *wsman.OpError) bool {
		f.op, f.class = e.Op, e.ClassName()
		return f.fault == nil || matches(e.Err, func(inner *wsman.Fault) bool { return inner == f.fault })
	})
}

// code tells whether a fault holds one of these numbers.
func (f *failure) code(codes ...uint32) bool {
	return matches(f.err, func(e *wsman.Fault) bool {
		return slices.ContainsFunc(e.Codes(), func(c uint32) bool { return slices.Contains(codes, c) })
	})
}

// status tells whether an answer without SOAP had one of these statuses.
func (f *failure) status(codes ...int) bool { return status(codes...)(f.err) }

// Numbers of faults that rows tell apart (facts/faults.md §4; WBEM_E_* from MS-ERREF).
const (
	codeWMINotFound       = 0x80041002
	codeWMIAccessDenied   = 0x80041003
	codeInvalidNamespace  = 0x8004100E
	codeInvalidClass      = 0x80041010
	codeNotFound          = 0x80338000
	codeMaxEnvelope       = 0x80338047
	codeEnvelopeExceeded  = 0x80338048
	codeServerEnvelope    = 0x80338049
	codeServiceDenied     = 0x80338104
	codeProviderDenied    = 0x80338105
	codeConnectDenied     = 0x80338106
	codeNamespaceSelector = 0x8033813B
	codeQuotaShells       = 0x803381A5
	codeQuotaOperations   = 0x803381A6
	codeQuotaUser         = 0x803381A7
	codeQuotaSystem       = 0x803381A8
	codeOtherToken        = 0x803381A9
	codeQuotaPlugin       = 0x803381E7
	codeQuotaUserPlugin   = 0x803381E8
)
