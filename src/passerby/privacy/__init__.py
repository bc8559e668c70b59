"""Privacy as pure functions and values: policy, roles, audit, encryption, blurring. It knows no gallery."""
