// Compiled into k8s.io/apiserver's package of ValidatingAdmissionPolicy by admit_policy_code.sh.
package validating

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/authentication/user"
	"sigs.k8s.io/yaml"
)

// strict reads an object; members that its type does not have are errors.
func strict(t *testing.T, text string, into any) {
	t.Helper()
	if err := yaml.UnmarshalStrict([]byte(text), into); err != nil {
		t.Fatal(err)
	}
}

func readPod(t *testing.T, path string) *corev1.Pod {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	pod := &corev1.Pod{}
	strict(t, string(text), pod)
	for i := range pod.Spec.Volumes {
		if pod.Spec.Volumes[i].VolumeSource == (corev1.VolumeSource{}) {
			pod.Spec.Volumes[i].EmptyDir = &corev1.EmptyDirVolumeSource{}
		}
	}
	return pod
}

// judge has every pod of the level's folder judged; those of "fail" are to be denied, and no others.
func judge(t *testing.T, v Validator, level string) int {
	kind := schema.GroupVersionKind{Version: "v1", Kind: "Pod"}
	resource := schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	files, _ := filepath.Glob(filepath.Join(os.Getenv("BOLTSEAL_PODS"), level, "v1.29", "*", "*.yaml"))
	for _, file := range files {
		pod := readPod(t, file)
		pod.SetGroupVersionKind(kind)
		attributes := &admission.VersionedAttributes{
			Attributes: admission.NewAttributesRecord(pod, nil, kind, "ns", "p", resource, "",
				admission.Create, nil, false, &user.DefaultInfo{Name: "somebody"}),
			VersionedKind: kind, VersionedObject: pod}
		result := v.Validate(context.TODO(), resource, attributes, nil, nil,
			celconfig.RuntimeCELCostBudget, nil)
		denied := false
		for _, d := range result.Decisions {
			denied = denied || d.Action == ActionDeny
			if d.Evaluation == EvalError {
				t.Errorf("%s: %s", file, d.Message)
			}
		}
		if denied != (filepath.Base(filepath.Dir(file)) == "fail") {
			t.Errorf("%s: denied %v", file, denied)
		}
	}
	return len(files)
}

func TestBoltseal(t *testing.T) {
	text, err := os.ReadFile(os.Getenv("BOLTSEAL_POLICIES"))
	if err != nil {
		t.Fatal(err)
	}
	policies, bindings, pods := 0, 0, 0
	for _, part := range strings.Split(string(text), "\n---\n") {
		head := struct{ Kind string }{}
		if err := yaml.Unmarshal([]byte(part), &head); err != nil {
			t.Fatal(err)
		}
		switch head.Kind {
		case "ValidatingAdmissionPolicyBinding":
			strict(t, part, &v1.ValidatingAdmissionPolicyBinding{})
			bindings++
		case "ValidatingAdmissionPolicy":
			policy := v1.ValidatingAdmissionPolicy{}
			strict(t, part, &policy)
			policies++
			compiled := compilePolicy(&policy)
			if err := compiled.CompileError(); err != nil {
				t.Errorf("%s: %v", policy.Name, err)
			}
			for _, level := range []string{"baseline", "restricted"} {
				if policy.Name == "boltseal-"+level+"-pods" {
					pods += judge(t, compiled, level)
				}
			}
		}
	}
	if policies == 0 || bindings == 0 {
		t.Error("nothing was read")
	}
	t.Logf("policies %d, bindings %d, pods %d judged", policies, bindings, pods)
}
