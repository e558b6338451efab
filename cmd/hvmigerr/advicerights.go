package main

import (
	"net/http"
	"slices"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// Actions on rights (facts/wire-format.md §10). In a Windows of another language the groups have other names and the same SIDs.
func hyperVMember() action {
	return onHost("make the user a member (in another language of Windows: -SID S-1-5-32-578); it counts from the next logon on",
		`Add-LocalGroupMember -Group 'Hyper-V Administrators' -Member '<USER>'`)
}

func remoteMember() action {
	return onHost("let the user in to WinRM, without the rights of an administrator (in another language: -SID S-1-5-32-580)",
		`Add-LocalGroupMember -Group 'Remote Management Users' -Member '<USER>'`)
}

func showMembers() action {
	return onHost("who is a member", `Get-LocalGroupMember -Group 'Hyper-V Administrators'; Get-LocalGroupMember -Group 'Remote Management Users'`)
}

func namespaceRights(rights string) action {
	return onHost("WMI Control, Properties, Security, root, virtualization, v2: give the user "+rights, "wmimgmt.msc")
}

func showRootSDDL() action {
	return onHost("whom the service lets in: RootSDDL (GR to read, GX to call methods)", "winrm get winrm/config/service")
}

// reads tells whether an operation only reads; the others are methods.
func reads(op string) bool {
	return slices.Contains([]string{"", "Identify", "Get", "Enumerate", "Pull", "Release"}, op)
}

// deniedRows are about a user who is known and lacks a right.
func deniedRows() []adviceRow {
	const groups = "the user needs Hyper-V Administrators and Remote Management Users; Invoke also the WMI right Execute Methods"
	denied := func(fits func(*failure) bool) func(*failure) bool {
		return func(f *failure) bool {
			return f.exit == exitDenied && f.fault != nil && f.fault.AccessDenied() && fits(f)
		}
	}
	return []adviceRow{
		{
			advice: advice{
				name:    "provider-denied",
				hint:    "the user got in, and Hyper-V itself refuses: is the user in Hyper-V Administrators on the host? A new membership counts from the next logon on",
				means:   "WinRM and WMI let the user in; the provider of Hyper-V does not.",
				actions: []action{hyperVMember(), showMembers()},
			},
			fits: denied(func(f *failure) bool { return f.code(codeProviderDenied) }),
		},
		{
			advice: advice{
				name: "execute-methods",
				hint: "the user may read and may not call methods: Hyper-V Administrators, the WMI right Execute Methods on root/virtualization/v2 (wmimgmt.msc), " +
					"or GX in WinRM's RootSDDL is missing",
				means: "Jobs can be listed, and the methods that tell their errors are refused. What a job says of itself can still be read.",
				actions: []action{
					namespaceRights("Execute Methods"), hyperVMember(), remoteMember(), showRootSDDL(),
				},
			},
			fits: denied(func(f *failure) bool { return !reads(f.op) }),
		},
		{
			advice: advice{
				name:    "wmi-denied",
				hint:    "WinRM lets the user in and WMI does not: Enable Account and Remote Enable on root/virtualization/v2 (wmimgmt.msc), or Hyper-V Administrators, is missing",
				means:   "The namespace root/virtualization/v2 does not let the user in from the network.",
				actions: []action{namespaceRights("Enable Account and Remote Enable"), hyperVMember(), remoteMember()},
			},
			fits: denied(func(f *failure) bool { return f.code(codeServiceDenied, codeConnectDenied, codeWMIAccessDenied) }),
		},
		{
			advice: advice{
				name: "local-account-denied",
				hint: "a local administrator other than the built-in one has no rights from the network without LocalAccountTokenFilterPolicy=1 on the host; " +
					"a member of Hyper-V Administrators and Remote Management Users needs none of that",
				means: "The password was right. The account is one of the host, and Windows strips local administrators, but for the built-in one, of their rights " +
					"when they come from the network.",
				actions: []action{remoteMember(), hyperVMember(), unfilter()},
			},
			fits: denied((*failure).local),
		},
		{
			advice: advice{
				name: "read-denied", hint: groups,
				means: "The host knows the user, and does not let the account read what was asked for. An administrator may; others need a membership in Remote " +
					"Management Users, as well as RootSDDL and the rights on the WMI namespace not leaving them out.",
				actions: []action{remoteMember(), hyperVMember(), showMembers(), showRootSDDL(), namespaceRights("Enable Account and Remote Enable")},
			},
			fits: denied(func(*failure) bool { return true }),
		},
		{
			advice: advice{
				name: "method-denied", hint: "the method itself refuses the user: is the user in Hyper-V Administrators on the host? A new membership counts from the next logon on",
				means:   "The method was called, and returned that access is denied (32769).",
				actions: []action{hyperVMember(), showMembers()},
			},
			fits: func(f *failure) bool {
				return f.exit == exitDenied && matches(f.err, func(e *invoke.ReturnValueError) bool { return e.ReturnValue == invoke.ReturnValueAccessDenied })
			},
		},
		{
			advice: advice{
				name: "forbidden", hint: "a bare 403 is more like a proxy's or another web server's than WinRM's; if it is the host's, " + groups,
				means:   "The request was forbidden without a word of WS-Management. Where rights are missing, WinRM says so in a fault.",
				actions: []action{here("what answers there", "hvmigerr identify <HOST>"), withoutProxy(), showRootSDDL()},
			},
			fits: func(f *failure) bool { return f.exit == exitDenied && f.status(http.StatusForbidden) },
		},
	}
}

// quotaRows are about limits of the host.
func quotaRows() []adviceRow {
	limited := func(codes ...uint32) func(*failure) bool {
		return func(f *failure) bool { return f.exit == exitQuota && f.code(codes...) }
	}
	showLimits := onHost("its limits", "winrm get winrm/config")
	showQuota := onHost("the limits of its WMI provider", `Get-ChildItem 'WSMan:\localhost\Plugin\WMI Provider\Quotas'`)
	return []adviceRow{
		{
			advice: advice{
				name: "quota-operations",
				hint: "this user has too many operations open on the host: let other clients of the same account end theirs, or raise MaxConcurrentOperationsPerUser " +
					"(winrm/config/service)",
				means: "The host counts the operations of each user, 1500 by default, and those of each plug-in.",
				actions: []action{
					onHost("its limits", "winrm get winrm/config/service"), showQuota,
					here("ask by an account of its own", `hvmigerr get -u '<DOMAIN>\<USER>' <HOST>`),
				},
			},
			fits: limited(codeQuotaOperations, codeQuotaPlugin, codeQuotaUserPlugin),
		},
		{
			advice: advice{
				name:    "quota-load",
				hint:    "the host asks for fewer requests in a time, of this user or of all: wait a minute, then ask again, and less often",
				means:   "The load that the host allows the user, or all users, was reached. It passes by itself.",
				actions: []action{here("ask again, in a minute", "hvmigerr get <HOST>"), showQuota},
			},
			fits: limited(codeQuotaUser, codeQuotaSystem),
		},
		{
			advice: advice{
				name:    "quota-shells",
				hint:    "this user has too many remote shells open on the host: Get-PSSession there and on the machines that opened them, or raise MaxShellsPerUser",
				means:   "The host counts the remote shells of each user.",
				actions: []action{onHost("which shells are open", "winrm enumerate shell"), showLimits},
			},
			fits: limited(codeQuotaShells),
		},
		{
			advice: advice{
				name: "quota", hint: "the host is busy or limits this user; wait, then ask again",
				means:   "A limit of the host on load was reached.",
				actions: []action{here("ask again, in a minute", "hvmigerr get <HOST>"), showLimits},
			},
			fits: func(f *failure) bool { return f.exit == exitQuota && matches(f.err, (*wsman.Fault).Quota) },
		},
		{
			advice: advice{
				name: "request-too-large", hint: "the request or its answer is too large for the host's limit (MaxEnvelopeSizekb of winrm/config)",
				means:   "The host refuses a message of that size before it reads it.",
				actions: []action{showLimits, raiseEnvelope()},
			},
			fits: func(f *failure) bool { return f.exit == exitQuota && f.status(http.StatusRequestEntityTooLarge) },
		},
	}
}

func raiseEnvelope() action {
	return onHost("raise it, in PowerShell (500 is Windows' own)", `winrm set winrm/config '@{MaxEnvelopeSizekb="2048"}'`)
}

// wrongPeerRows are about an answer that is not WinRM's.
func wrongPeerRows() []adviceRow {
	return []adviceRow{
		{
			advice: advice{
				name: "path", hint: "WS-Management answers at the path /wsman; is another server at this port?",
				means: "What answers there has nothing at that path.",
				actions: []action{
					here("what answers there", "hvmigerr doctor <HOST>"),
					onHost("which path it uses: URLPrefix", "winrm enumerate winrm/config/listener"),
				},
			},
			fits: func(f *failure) bool { return f.exit == exitUndecodable && f.status(http.StatusNotFound) },
		},
		{
			advice: advice{
				name: "redirect", hint: "WinRM never redirects: another web server or a proxy's page for signing in answers there; is the port right, and --proxy?",
				means:   "The answer sends the request elsewhere. It is not followed: what is sent is for the host that was named.",
				actions: []action{here("what answers there", "hvmigerr doctor <HOST>"), withoutProxy()},
			},
			fits: func(f *failure) bool {
				return f.exit == exitUndecodable && matches(f.err, func(e *wsman.HTTPError) bool { return e.StatusCode/100 == 3 })
			},
		},
		{
			advice: advice{
				name: "not-http", hint: "what answers there speaks no HTTP; is the port right? WinRM uses 5985 for http and 5986 for https (--https)",
				means:   "The port is open, and what listens there is neither WinRM nor a web server.",
				actions: []action{here("what it says", "hvmigerr doctor <HOST>"), listListeners()},
			},
			fits: func(f *failure) bool { return f.exit == exitUndecodable && matches(f.err, speaksNoHTTP) },
		},
		{
			advice: advice{
				name: "http-on-https", hint: "is it a port for https? Then --https is missing: WinRM uses 5986 for https and 5985 for http",
				means:   "What answers there cannot read the request. A port for TLS answers so to one in clear.",
				actions: []action{here("https", "hvmigerr get --https <HOST>"), listListeners()},
			},
			fits: func(f *failure) bool {
				return f.exit == exitUndecodable && f.http && f.status(http.StatusBadRequest)
			},
		},
	}
}

// undecodableRows are about answers that are not what was asked for.
func undecodableRows() []adviceRow {
	return []adviceRow{
		{
			advice: advice{
				name: "foreign-answer",
				hint: "nothing of that answer was believed: something between here and the host may have given or changed it, such as a proxy; --https shows who answers",
				means: "An answer came in clear, or with a broken seal, where one sealed by the session was due. It is not from the host's WinRM, or was changed on " +
					"the way.",
				actions: []action{here("who answers there", "hvmigerr doctor --https <HOST>"), withoutProxy()},
			},
			fits: func(f *failure) bool { return f.exit == exitUndecodable && f.foreign },
		},
		{
			advice: advice{
				name: "in-clear", hint: "a default Windows host takes no message in clear: leave out --seal never",
				means: "The host has AllowUnencrypted=false, as by default, and refuses messages that are not sealed.",
				actions: []action{
					here("seal the messages", "hvmigerr get --seal always <HOST>"),
					onHost("what it takes: AllowUnencrypted", "winrm get winrm/config/service"),
				},
			},
			fits: func(f *failure) bool {
				return f.exit == exitUndecodable && f.method.clear && f.status(http.StatusInternalServerError)
			},
		},
		{
			advice: advice{
				name:    "server-error",
				means:   "The host failed and did not say why. Its event log may.",
				actions: []action{onHost("its log", "Get-WinEvent Microsoft-Windows-WinRM/Operational -MaxEvents 20"), keepTrace()},
			},
			fits: func(f *failure) bool { return f.exit == exitUndecodable && f.status(http.StatusInternalServerError) },
			hintOf: untraced("what the host sent; its log Microsoft-Windows-WinRM/Operational may say more",
				"the host's log Microsoft-Windows-WinRM/Operational may say more"),
		},
		{
			advice: advice{
				name:    "web-page",
				means:   "A web server answers there, and not WinRM: the port is another's, or a proxy gives a page of its own.",
				actions: []action{here("what answers there", "hvmigerr doctor <HOST>"), withoutProxy(), keepTrace()},
			},
			fits:   func(f *failure) bool { return f.exit == exitUndecodable && has[*wsman.HTTPError](f.err) },
			hintOf: untraced("what the host sent; WinRM sends no such page: is the port right, or is it a proxy's?", ""),
		},
		{
			advice: advice{
				name: "answer-too-long", hint: "512000 bytes were asked for at most, and WinRM keeps to that; hvmigerr identify tells what answers there",
				means:   "The answer is longer than is read here, lest a peer fill the memory of this machine.",
				actions: []action{here("what answers there", "hvmigerr identify <HOST>")},
			},
			fits: func(f *failure) bool { return f.exit == exitUndecodable && has[*transport.LimitError](f.err) },
		},
		{
			advice: advice{
				name: "undecodable", means: "The answer breaks a rule of its protocol. What the host sent helps to find out which.", actions: []action{keepTrace()},
			},
			fits:   func(f *failure) bool { return f.exit == exitUndecodable },
			hintOf: untraced("what the host sent", ""),
		},
	}
}

func keepTrace() action {
	return here("keep what the host sends", "hvmigerr get --trace <DIR> <HOST>")
}

// untraced makes a hint that --trace keeps something, unless it has.
func untraced(kept, traced string) func(*failure) string {
	return func(f *failure) string {
		if f.traced {
			return traced
		}
		return "--trace DIR keeps " + kept
	}
}

// speaksNoHTTP tells an answer that package transport could not take for HTTP. It has no type of its own.
func speaksNoHTTP(e *wsman.ProtocolError) bool {
	return e.Path == "" && (e.Msg == "the answer is not valid HTTP" || e.Msg == "the host sent something before it was asked")
}
