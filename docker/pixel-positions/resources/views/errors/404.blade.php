@extends('errors.layout')
@section('headline', 'This window is dark')
@section('advice', 'Nobody works at this address. The job may be filled, or the link lost a letter on the way.')
