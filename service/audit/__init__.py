"""The audit that does not ask to be trusted: checkpoints given out of our hands, everything checked."""

from service.audit.checkpoints import Announced, make_checkpoint
from service.audit.log import Divergence, LogCheck, verify_log

__all__ = ["Announced", "Divergence", "LogCheck", "make_checkpoint", "verify_log"]
