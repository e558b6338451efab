package invoke

import (
	"context"
	"errors"
	"fmt"

	"github.com/hvmigerr/hvmigerr/wsman"
)

const (
	classManagementService = "Msvm_VirtualSystemManagementService"
	methodFormatError      = "FormatError"
)

// ErrNoSuchService says that the host shows no instance of one of its services, the class of which it has. Every Hyper-V
// host has one of each: the user lacks the right to see it.
var ErrNoSuchService = errors.New("the host shows this user no such service")

// FormatError lets the host make one text of errors: it calls Msvm_VirtualSystemManagementService.FormatError on texts, the
// CIM-XML of an Msvm_Error each. The method changes nothing on the host and starts nothing, but like any method it needs the
// right to execute, so that the call also tells whether the user has it: a [*ReturnValueError] other than
// [ReturnValueAccessDenied], 32773 Invalid Parameter for instance, comes from the method and proves the right, and a
// [*wsman.Fault] comes from what stands before it. With no texts the parameter is NULL, which a host may refuse.
//
// The service is looked up first, with one enumeration; a host that does not show it is [ErrNoSuchService], one that has no
// such class [ErrNoHyperV].
func FormatError(ctx context.Context, c Client, texts []string) (string, error) {
	key, err := managementService(ctx, c)
	if err != nil {
		return "", err
	}
	var input any = texts
	if len(texts) == 0 {
		input = nil // the wire has no empty array (facts/wire-format.md §5)
	}
	resp, err := c.Invoke(ctx, &wsman.InvokeRequest{
		Resource:   wsman.Resource{Namespace: Namespace, Class: classManagementService},
		Selectors:  key,
		Method:     methodFormatError,
		Input:      []wsman.Parameter{{Name: "Errors", Value: input}},
		Repeatable: true,
	})
	if err != nil {
		return "", err
	}
	v, err := readReturnValue(resp.Output)
	if err != nil {
		return "", fmt.Errorf("%s.%s: %w", classManagementService, methodFormatError, err)
	}
	if v != ReturnValueOK {
		return "", &ReturnValueError{Class: classManagementService, Method: methodFormatError, ReturnValue: v}
	}
	return propertyText(resp.Output, "ErrorMessage"), nil
}

// managementService returns the keys of the host's one management service.
func managementService(ctx context.Context, c Enumerator) (wsman.SelectorSet, error) {
	req := &wsman.EnumerateRequest{Resource: wsman.Resource{Namespace: Namespace, Class: classManagementService}}
	for i, err := range enumerate(ctx, c, req) {
		if err != nil {
			return nil, err
		}
		var key wsman.SelectorSet
		// The keys of CIM_Service; a service that is not Windows may do with fewer.
		for _, name := range []string{"SystemCreationClassName", "SystemName", "CreationClassName", "Name"} {
			if text := propertyText(i, name); text != "" {
				key = append(key, wsman.Selector{Name: name, Value: text})
			}
		}
		return key, nil
	}
	return nil, fmt.Errorf("%w: %s", ErrNoSuchService, classManagementService)
}
