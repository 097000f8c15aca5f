"""What goes wrong in the newsroom, and when: a table of faults and a plan that strikes with them."""

from simulator.faults.plan import FORM, Plan, Strike
from simulator.faults.table import FAULTS, STORM, STORM_ABOUT
from simulator.faults.visit import Fault, Visit

__all__ = ["FAULTS", "FORM", "STORM", "STORM_ABOUT", "Fault", "Plan", "Strike", "Visit"]
