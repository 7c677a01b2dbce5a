// Compiled into k8s.io/apiserver's package of MutatingAdmissionPolicy by admit_policy_code.sh.
package mutating

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/client-go/openapi/openapitest"
	"sigs.k8s.io/yaml"
)

var (
	podKind  = schema.GroupVersionKind{Version: "v1", Kind: "Pod"}
	podsType = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
)

// What pods become, all policies applied in turn: profiles of containers, of the pod, labels of nodes,
// annotations.
var cases = []struct{ pod, containers, own, nodes, explained string }{
	{`{"spec":{"containers":[{"name":"a","image":"x"}]}}`, "-", "RuntimeDefault", "", "pod: seccomp RuntimeDefault"},
	{`{"metadata":{"annotations":{"k":"v"}},"spec":{"nodeSelector":{"z":"y"},"containers":[` +
		`{"name":"w","image":"docker.io/registry.example/a+b/web:1.7@sha256:00"},{"name":"a","image":"x"}]}}`,
		"boltseal/web-1.json -", "RuntimeDefault", "1", "pod: seccomp RuntimeDefault"},
	{`{"spec":{"containers":[{"name":"w","image":"registry.example/a+b/web:1.7"}]}}`,
		"boltseal/web-1.json", "", "1", ""},
	{`{"spec":{"containers":[{"name":"w","image":"registry.example/aab/web:1.7"}]}}`,
		"-", "RuntimeDefault", "", "pod: seccomp RuntimeDefault"},
	{`{"spec":{"securityContext":{"seccompProfile":{"type":"Unconfined"}},"containers":[` +
		`{"name":"w","image":"registry.example/a+b/web:1.7"}]}}`, "-", "Unconfined", "", ""},
	{`{"spec":{"containers":[{"name":"a","image":"x","securityContext":{"privileged":true}}]}}`, "-", "", "", ""},
	{`{"spec":{"os":{"name":"windows"},"containers":[{"name":"a","image":"x"}]}}`, "-", "", "", ""},
	{`{"metadata":{"annotations":{"kubernetes.io/config.mirror":"m"}},"spec":{"containers":[` +
		`{"name":"a","image":"x"}]}}`, "-", "", "", ""},
}

func strict(t *testing.T, text string, into any) {
	t.Helper()
	if err := yaml.UnmarshalStrict([]byte(text), into); err != nil {
		t.Fatal(err)
	}
}

type world struct {
	ctx     context.Context
	scheme  *runtime.Scheme
	convert patch.TypeConverterManager
}

func newWorld(t *testing.T, ctx context.Context) *world {
	w := &world{ctx, runtime.NewScheme(), patch.NewTypeConverterManager(nil, openapitest.NewEmbeddedFileClient())}
	if err := corev1.AddToScheme(w.scheme); err != nil {
		t.Fatal(err)
	}
	go w.convert.Run(ctx)
	err := wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, time.Minute, true,
		func(context.Context) (bool, error) { return w.convert.GetTypeConverter(podKind) != nil, nil })
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) attributes(o runtime.Object) *admission.VersionedAttributes {
	return &admission.VersionedAttributes{
		Attributes: admission.NewAttributesRecord(o, nil, podKind, "ns", "p", podsType, "", admission.Create,
			&metav1.CreateOptions{}, false, &user.DefaultInfo{Name: "somebody"}),
		VersionedKind: podKind, VersionedObject: o}
}

func (w *world) apply(t *testing.T, policy *v1.MutatingAdmissionPolicy, o runtime.Object) runtime.Object {
	t.Helper()
	compiled := compilePolicy(policy)
	if compiled.Error != nil {
		t.Fatal(compiled.Error)
	}
	ctx := compiled.CompositedCompiler.CreateContext(w.ctx)
	match := compiled.Matcher.Match(ctx, w.attributes(o), nil, fakeAuthorizer{})
	if match.Error != nil {
		t.Errorf("%s: %v", policy.Name, match.Error)
	}
	if !match.Matches {
		return o
	}
	for _, patcher := range compiled.Mutators {
		changed, err := patcher.Patch(ctx, patch.Request{
			MatchedResource: podsType, VersionedAttributes: w.attributes(o),
			ObjectInterfaces:  admission.NewObjectInterfacesFromScheme(w.scheme),
			OptionalVariables: cel.OptionalVariableBindings{Authorizer: fakeAuthorizer{}},
			TypeConverter:     w.convert.GetTypeConverter(podKind)}, celconfig.RuntimeCELCostBudget)
		if err != nil {
			t.Fatalf("%s: %v", policy.Name, err)
		}
		o = changed
	}
	return o
}

// profiles has the profile of each container, "-" for none.
func profiles(pod *corev1.Pod) string {
	var all []string
	for _, c := range pod.Spec.Containers {
		name := "-"
		if c.SecurityContext != nil && c.SecurityContext.SeccompProfile != nil {
			name = *c.SecurityContext.SeccompProfile.LocalhostProfile
		}
		all = append(all, name)
	}
	return strings.Join(all, " ")
}

// typed has the pod that a patch made, whatever form it has.
func typed(t *testing.T, o runtime.Object) *corev1.Pod {
	t.Helper()
	pod := &corev1.Pod{}
	text, err := json.Marshal(o)
	if err == nil {
		err = json.Unmarshal(text, pod)
	}
	if err != nil {
		t.Fatal(err)
	}
	return pod
}

func readPolicies(t *testing.T) []*v1.MutatingAdmissionPolicy {
	text, err := os.ReadFile(os.Getenv("BOLTSEAL_POLICIES"))
	if err != nil {
		t.Fatal(err)
	}
	var policies []*v1.MutatingAdmissionPolicy
	for _, part := range strings.Split(string(text), "\n---\n") {
		head := struct{ Kind string }{}
		if err := yaml.Unmarshal([]byte(part), &head); err != nil {
			t.Fatal(err)
		}
		switch head.Kind {
		case "MutatingAdmissionPolicyBinding":
			strict(t, part, &v1.MutatingAdmissionPolicyBinding{})
		case "MutatingAdmissionPolicy":
			policy := &v1.MutatingAdmissionPolicy{}
			strict(t, part, policy)
			policies = append(policies, policy)
		}
	}
	return policies
}

func TestBoltseal(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	w, policies := newWorld(t, ctx), readPolicies(t)
	if len(policies) != 2 {
		t.Fatalf("%d policies", len(policies))
	}
	for _, c := range cases {
		pod, own := &corev1.Pod{}, ""
		if err := json.Unmarshal([]byte(c.pod), pod); err != nil {
			t.Fatal(err)
		}
		pod.SetGroupVersionKind(podKind)
		var o runtime.Object = pod
		for _, policy := range policies {
			o = w.apply(t, policy, o)
		}
		pod = typed(t, o)
		if s := pod.Spec.SecurityContext; s != nil && s.SeccompProfile != nil {
			own = string(s.SeccompProfile.Type)
		}
		got := []string{profiles(pod), own, pod.Spec.NodeSelector["boltseal.dev/seccomp.web"],
			pod.Annotations["boltseal.dev/admit"]}
		want := []string{c.containers, c.own, c.nodes, c.explained}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%s: '%s' instead of '%s'", c.pod, got[i], want[i])
			}
		}
	}
	t.Logf("changed as they should: %d pods", len(cases))
}
